import AVSConfiguration
import AVSStorage
import ArgumentParser
import Foundation

/// The operator's program: flags, configuration, wiring.
@main
struct OperatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "avs-operator",
        abstract: "Watches triggers for an AVS aggregator.",
        discussion: """
            An operator holds a stream to the aggregator, which tells it what to watch:
            times, blocks and events of chains. Whatever it finds is written to its own
            database before it is reported, so nothing is lost when it is stopped, killed
            or cut off, and a repetition does nothing.

            A first start:
              export OPERATOR_ECDSA_KEY_PASSWORD='at least 13 characters'
              avs-operator keys create operator.key.json
              avs-operator --config operator.yaml

            The least that operator.yaml says:
              operator_address: 0x…              # as `keys show` prints it
              ecdsa_private_key_store_path: operator.key.json
              db_path: data/operator             # made at the first start
              aggregator_server_ip_port_address: 127.0.0.1:2206
              chains:
                - id: 31337
                  rpc_urls: [http://127.0.0.1:8545]
                  ws_url: ws://127.0.0.1:8545    # tells new blocks; else they are polled
              enabled_features:
                event_trigger: true              # event triggers are off otherwise

            Without a keystore the key itself may be in OPERATOR_ECDSA_PRIVATE_KEY, 64 hex
            digits. A second key may sign for the operator: `avs-operator alias --help`.
            What is in effect, with every default: --print-config.

            SIGTERM or SIGINT ends it; what is not reported yet is reported after the next
            start.

            Exit codes: 0 clean, 64 usage, 65 data corrupt or rolled back, 70 internal
            error, 74 a write failed, 75 try later (locked, disk full, chain away),
            78 configuration.
            """,
        subcommands: [RunCommand.self, KeysCommand.self, AliasCommand.self], defaultSubcommand: RunCommand.self)
}

/// `avs-operator --config FILE`
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "run", abstract: "Watch and report (the default).")

    @Option(help: ArgumentHelp("The YAML file with the configuration.", valueName: "file"))
    var config: String

    @Flag(help: "Print the configuration in effect, with all defaults and without secrets, and end.")
    var printConfig = false

    func run() async throws {
        try await StartFailure.ending {
            let facts = ProcessFacts.takenFromProcess()
            let loaded = try OperatorConfiguration.load(config, facts: facts)
            if printConfig {
                print(try loaded.value.printed())
                return
            }
            try await Wiring(loaded: loaded, facts: facts).run()
        }
    }
}

/// Why the program could not start, and how it says so to a supervisor.
struct StartFailure: Error {
    var exitCode: Int32
    var message: String

    init(_ exitCode: Int32, _ message: String) {
        self.exitCode = exitCode
        self.message = message
    }

    init(explaining error: any Error) {
        switch error {
        case let failure as StartFailure: self = failure
        case let failure as ConfigurationError: self.init(78, "\(failure)")
        case let failure as StorageError: self.init(failure.exitCode, "\(failure)")
        default: self.init(70, "\(error)")
        }
    }

    /// Runs a command: its error becomes a line on standard error and an exit code.
    static func ending(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let code as ExitCode {
            throw code
        } catch {
            let failure = StartFailure(explaining: error)
            note(failure.message)
            throw ExitCode(failure.exitCode)
        }
    }

    /// Says something that is no result.
    static func note(_ message: String) { FileHandle.standardError.write(Data("avs-operator: \(message)\n".utf8)) }
}
