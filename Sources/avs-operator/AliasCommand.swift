import AVSConfiguration
import AVSCrypto
import AVSOperator
import AVSPrimitives
import AVSTransport
import ArgumentParser

/// `avs-operator alias …`: which key signs for the operator.
struct AliasCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alias", abstract: "Declare and remove the key that signs for the operator.",
        discussion: """
            An alias is a second key that signs for the operator, so that the operator's
            own key need not be on the machine that watches. A contract on chain, APConfig,
            says which alias belongs to which operator; aggregators ask it.

            Once, where the operator's own key is:
              avs-operator keys create alias.key.json
              avs-operator alias declare alias.key.json --config operator.yaml

            Then, on the machine that watches, operator.yaml names the alias's keystore in
            ecdsa_private_key_store_path, and operator_address stays the operator's own.
            Whether that is in order is checked at every start.

            To end it, with the configuration that names the alias's keystore:
              avs-operator alias remove --config operator.yaml

            Both send a transaction, which the signing key pays for, to the chain of
            eth_rpc_url. The contract is the public one of that chain, or ap_config_address.
            """,
        subcommands: [Declare.self, Remove.self, Show.self])

    struct Options: ParsableArguments {
        @Option(help: ArgumentHelp("The operator's configuration.", valueName: "file"))
        var config: String

        /// Runs a command with what the configuration says.
        func run(_ body: (Alias, SigningKey, SystemTime) async throws -> Void) async throws {
            try await StartFailure.ending {
                let facts = ProcessFacts.takenFromProcess()
                let configuration = try OperatorConfiguration.load(config, facts: facts).value
                let time = SystemTime()
                let chains = try Chains(time: time)
                defer { chains.close() }
                guard let registry = try await chains.aliasRegistry(configuration.external) else {
                    throw StartFailure(78, "eth_rpc_url is missing: it is the chain of the alias registry")
                }
                let key = try configuration.unlockedKey(facts)
                let credentials = OperatorCredentials(address: configuration.operatorAddress, key: key)
                try await body(Alias(registry: registry, credentials: credentials), key, time)
            }
        }
    }

    struct Declare: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Declare a key as the operator's alias, and print the transaction.",
            discussion: """
                Signed by the operator's own key, which the configuration names. Takes the place
                of an alias that was declared before; one that is declared already is left so.
                """)

        @Argument(help: "The alias: its keystore, or its address.")
        var alias: String

        @OptionGroup var options: Options

        func run() async throws {
            try await options.run { registry, key, time in
                let address = try Address(alias) ?? keystoreAddress()
                if let transaction = try await registry.declare(address, key: key, time: time) {
                    print(transaction.hex)
                } else {
                    StartFailure.note("\(address) is the alias already")
                }
            }
        }

        private func keystoreAddress() throws -> Address {
            guard let address = try KeyFile(path: alias).read().address else {
                throw StartFailure(65, "\(alias) names no address; `keys show --verify` tells it")
            }
            return address
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the configured key an alias no longer, and print the transaction.",
            discussion: "Signed by the alias itself, which the configuration names.")

        @OptionGroup var options: Options

        func run() async throws {
            try await options.run { registry, key, time in
                print(try await registry.remove(key: key, time: time).hex)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the alias that is declared for the operator; nothing if there is none.")

        @OptionGroup var options: Options

        func run() async throws {
            try await options.run { registry, _, _ in
                if let alias = try await registry.declared() { print(alias.checksummed) }
            }
        }
    }
}
