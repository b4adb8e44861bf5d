import AVSClient
import AVSPrimitives
import AVSTransport
import ArgumentParser

/// `avsctl logout`
struct LogoutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout", abstract: "Removes the token that login has kept.",
        discussion: """
            The token itself cannot be revoked: whoever has a copy acts for you until it ends.

            Example:
              avsctl logout
            """)

    @OptionGroup var client: ClientOptions

    func run() async throws {
        let tokens = try client.tokens()
        guard try tokens.remove() else { return Note.write("nobody was logged in: there is no \(tokens.path)") }
        Note.write("removed \(tokens.path)")
    }
}

/// `avsctl whoami`
struct WhoAmICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whoami", abstract: "Says who is logged in, where, and until when.",
        discussion: """
            This is what the token says; the aggregator is not asked. Ends with 78 when nobody is logged in or the \
            token has ended.

            Example:
              avsctl whoami
            """)

    @OptionGroup var client: ClientOptions

    func run() async throws {
        let session = try client.tokens().session(for: client.target)
        var output = ResultWriter()
        for line in client.printer.session(session, server: client.target) { try output.line(line) }
        try output.finish()
        guard session.expiresAt > SystemTime().now else {
            throw Failure(.configuration, "the token has ended", hint: "log in with `avsctl login`")
        }
    }
}
