import AVSConfiguration
import AVSCrypto
import AVSPrimitives
import ArgumentParser

/// `avs-operator keys …`: the operator's key in a keystore of version 3.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make, import and look at the operator's key.",
        discussion: """
            Keys are kept encrypted (keystore version 3, as wallets read them). The password comes from
            OPERATOR_ECDSA_KEY_PASSWORD and has more than 12 characters. An existing file is never written over.
            """,
        subcommands: [Create.self, Import.self, Show.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a new key and print its address.")

        @Argument(help: "The file to make.")
        var file: String

        func run() async throws {
            try await StartFailure.ending {
                let password = try KeyPassword(ProcessFacts.takenFromProcess())
                var random = SecureRandom()
                let key = try SigningKey.generate(using: &random)
                try KeyFile(path: file).write(key, password: password)
                print(key.address.checksummed)
            }
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Encrypt an existing key and print its address.",
            discussion: "The key is 64 hex digits, from OPERATOR_ECDSA_PRIVATE_KEY or else one line of standard input.")

        @Argument(help: "The file to make.")
        var file: String

        func run() async throws {
            try await StartFailure.ending {
                let facts = ProcessFacts.takenFromProcess()
                let password = try KeyPassword(facts)
                guard let text = facts.variables[.operatorKey]?.exposed ?? readLine() else {
                    throw StartFailure(64, "no key: neither OPERATOR_ECDSA_PRIVATE_KEY nor standard input has one")
                }
                let key = try SigningKey(privateKeyText: text)
                try KeyFile(path: file).write(key, password: password)
                print(key.address.checksummed)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the address that a keystore names.",
            discussion: "With --verify the keystore is opened with the password, and the key itself tells its address.")

        @Argument(help: "The keystore.")
        var file: String

        @Flag(help: "Open the keystore with the password.")
        var verify = false

        func run() async throws {
            try await StartFailure.ending {
                let facts = ProcessFacts.takenFromProcess()
                let keystore = try KeyFile(path: file).read()
                if verify {
                    let key = try keystore.unlock(password: try KeyPassword(facts).bytes())
                    print(key.address.checksummed)
                } else if let address = keystore.address {
                    print(address.checksummed)
                } else {
                    throw StartFailure(65, "\(file) names no address; --verify asks the key itself")
                }
            }
        }
    }
}

/// The password of the operator's keystore.
struct KeyPassword {
    /// More than this many characters.
    static let tooShort = 12

    private let text: String

    /// - Throws: where it is missing or too short.
    init(_ facts: ProcessFacts) throws {
        guard let text = facts.variables[.operatorPassword]?.exposed else {
            throw StartFailure(78, "OPERATOR_ECDSA_KEY_PASSWORD is not set: it encrypts the key")
        }
        guard text.count > Self.tooShort else {
            throw StartFailure(
                78, "OPERATOR_ECDSA_KEY_PASSWORD has \(text.count) characters, more than \(Self.tooShort) are wanted")
        }
        self.text = text
    }

    func bytes() throws -> SecretBytes { try SecretBytes(copying: text.utf8) }
}

extension SigningKey {
    /// - Parameter text: 64 hex digits, with or without `0x`.
    convenience init(privateKeyText text: String) throws {
        let trimmed = text.filter { !$0.isWhitespace }
        do {
            try self.init(SecretBytes(hexText: SecretBytes(copying: trimmed.utf8)))
        } catch {
            throw StartFailure(78, "the private key is not 64 hex digits of a key")  // never the text itself
        }
    }
}
