import AVSClient
import AVSCrypto
import AVSPrimitives
import ArgumentParser

/// `avsctl login`
struct LoginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Signs in with a key and keeps the token.",
        discussion: """
            The key is that of a keystore file, whose password is in --password-file or AVSCTL_PASSWORD, or it is \
            64 hex digits in --key-file or AVSCTL_PRIVATE_KEY. It signs the sign-in and is not kept. The token is good \
            for two days; whoever has it acts for you. It is kept in avsctl/token under XDG_CONFIG_HOME or ~/.config, \
            or in --token-file, readable by nobody else. Prints who is signed in and until when.

            Example:
              avsctl login --server aggregator.example:2206 --tls --keystore owner.json --password-file owner.password
            """)

    @Option(name: .long, help: ArgumentHelp("The key: a keystore of version 3.", valueName: "file"))
    var keystore: String?

    @Option(name: .long, help: ArgumentHelp("The key: 64 hex digits, mode 0600.", valueName: "file"))
    var keyFile: String?

    @Option(
        name: .long,
        help: ArgumentHelp("The keystore's password, with or without a line feed at the end.", valueName: "file"))
    var passwordFile: String?

    @Flag(name: .long, help: "Print the token instead of keeping it.")
    var printToken = false

    @OptionGroup var client: ClientOptions

    func validate() throws {
        guard keystore == nil || keyFile == nil else {
            throw ValidationError("--keystore and --key-file do not go together.")
        }
    }

    func run() async throws {
        let key = try key()
        let tokens = printToken ? nil : try client.tokens()
        try await client.withClient(signedIn: false) { aggregator, output in
            let session = try await aggregator.signIn(with: key)
            guard let tokens else { return try output.line(session.token.exposed) }
            try tokens.write(session, server: client.target)
            Note.write("the token is in \(tokens.path)")
            for line in client.printer.session(session, server: client.target) { try output.line(line) }
        }
    }

    private func key() throws -> SigningKey {
        if let keyFile {
            var content = try LocalFile.read(keyFile, limitBytes: 4 << 10, isPrivate: true)
            if content.last == UInt8(ascii: "\n") { content.removeLast() }
            return try Self.key(content, keyFile)
        }
        guard let keystore else {
            guard let hex = Variable.text("AVSCTL_PRIVATE_KEY") else {
                let text = "no key: wanted --keystore FILE, --key-file FILE, or AVSCTL_PRIVATE_KEY in the environment"
                throw Failure(.usage, text)
            }
            return try Self.key(Array(hex.utf8), "AVSCTL_PRIVATE_KEY")
        }
        let file = try KeystoreV3(json: LocalFile.read(keystore, limitBytes: KeystoreV3.sizeLimitBytes))
        return try file.unlock(password: try password())
    }

    private static func key(_ hex: [UInt8], _ source: String) throws -> SigningKey {
        do {
            return try SigningKey(SecretBytes(hexText: SecretBytes(copying: hex)))
        } catch {
            throw Failure(.usage, "\(source) is no key: wanted 64 hex digits")  // never its text
        }
    }

    private func password() throws -> SecretBytes {
        guard let passwordFile else {
            guard let text = Variable.text("AVSCTL_PASSWORD") else {
                throw Failure(.usage, "no password: wanted --password-file FILE, or AVSCTL_PASSWORD in the environment")
            }
            return try SecretBytes(copying: Array(text.utf8))
        }
        var content = try LocalFile.read(passwordFile, limitBytes: 4 << 10, isPrivate: true)
        if content.last == UInt8(ascii: "\n") { content.removeLast() }
        return try SecretBytes(copying: content)
    }
}
