import AVSClient
import AVSPrimitives
import ArgumentParser

/// `avsctl token`
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Says what tokens are called.", subcommands: [TokenMetadataCommand.self])
}

struct TokenMetadataCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metadata", abstract: "Prints name, symbol and decimals of a token.",
        discussion: "Example:\n  avsctl token metadata 0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913")

    @Argument(help: "The address of its contract.")
    var address: Address

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { aggregator, output in
            guard let token = try await aggregator.getTokenMetadata(of: address) else {
                throw Failure(.failed, "at \(address.checksummed) there is no token that the aggregator knows")
            }
            for line in client.printer.token(token) { try output.line(line) }
        }
    }
}
