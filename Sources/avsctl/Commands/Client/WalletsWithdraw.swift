import AVSClient
import AVSModel
import AVSPrimitives
import ArgumentParser

/// `avsctl wallets withdraw`
struct WalletsWithdraw: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "withdraw", abstract: "Sends coins or tokens out of a smart wallet.",
        discussion: """
            The amount is in the smallest unit: wei, or what the token's decimals make of one. Waits for the chain, up \
            to two minutes. Given twice, it sends twice, unless both have the same --idempotency-key.

            Example:
              avsctl wallets withdraw 0x1111111111111111111111111111111111111111 \\
                --to 0x2222222222222222222222222222222222222222 --amount 1000000000000000
            """)

    @Argument(help: "The smart wallet; one of yours.")
    var wallet: Address

    @Option(name: .long, help: ArgumentHelp("Who gets it.", valueName: "address"))
    var to: Address

    @Option(name: .long, help: ArgumentHelp("A whole number, or max.", valueName: "number"))
    var amount: WithdrawnAmount

    @Option(name: .long, help: ArgumentHelp("This token, not the chain's coin.", valueName: "address"))
    var token: Address?

    @OptionGroup var repetition: KeyOption
    @OptionGroup var client: ClientOptions

    func run() async throws {
        let asset = token.map { Withdrawal.Asset.token($0) } ?? .coin
        let withdrawal = Withdrawal(amount.value, of: asset, from: wallet, to: to)
        try await client.withClient { aggregator, output in
            let sent = try await aggregator.withdrawFunds(withdrawal, idempotencyKey: repetition.key)
            for line in client.printer.withdrawal(sent) { try output.line(line) }
        }
    }
}

/// `max`, or a number above zero.
struct WithdrawnAmount: ExpressibleByArgument {
    var value: Withdrawal.Amount

    init?(argument: String) {
        if argument == "max" {
            value = .everything
        } else if let number = UInt256(argument: argument), number > .zero {
            value = .exactly(number)
        } else {
            return nil
        }
    }
}
