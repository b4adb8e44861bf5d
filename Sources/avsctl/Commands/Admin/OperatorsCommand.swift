import AVSClient
import AVSPrimitives
import AVSProto
import ArgumentParser

/// `avsctl operators`
struct OperatorsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operators", abstract: "Shows the operators of an aggregator, and disconnects them.",
        discussion: """
            Who is approved stands in the configuration, approved_operators. An API key with the scope operator is \
            enough.
            \(AdminConnection.help)
            """,
        subcommands: [OperatorsList.self, OperatorsDisconnect.self])
}

/// `avsctl operators list`
struct OperatorsList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists operators that are approved, connected, or ever checked in.",
        discussion: """
            Prints address, approval, stream, tasks that it watches, last check-in, name and version. What an operator \
            says of itself is its own word.
            Example:
              avsctl operators list --connected -c aggregator.yaml
            """)

    @Flag(name: .long, help: "Leave out those that hold no stream.")
    var connected = false

    @OptionGroup var options: AdminOptions

    func run() async throws {
        try await options.withClient { client, output in
            let answer = try await client.call(Wire.AdminMethods.listOperators, .with { $0.connectedOnly = connected })
            for node in answer.items { try output.line(options.printer.row(node)) }
        }
    }
}

/// `avsctl operators disconnect`
struct OperatorsDisconnect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disconnect", abstract: "Ends an operator's stream; its tasks go to others.",
        discussion: """
            It may connect again at once. To keep it away, take it off approved_operators. Ends with 1 if it held none.
            Example:
              avsctl operators disconnect 0x997e5d40a32c44a3d93e59fc55c4fd20b7d2d49d -c aggregator.yaml
            """)

    @Argument(help: "The operator's address.")
    var address: Address

    @OptionGroup var options: AdminOptions

    func run() async throws {
        try await options.withClient { client, output in
            let answer = try await client.call(
                Wire.AdminMethods.disconnectOperator, .with { $0.address = address.checksummed })
            try output.line(options.printer.disconnected(answer))
            guard answer.disconnected else { throw Failure(.failed, "the operator holds no stream") }
        }
    }
}
