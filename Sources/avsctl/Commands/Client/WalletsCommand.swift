import AVSClient
import AVSPrimitives
import ArgumentParser

/// `avsctl wallets`
struct WalletsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wallets", abstract: "Derives, shows, hides and empties smart wallets.",
        subcommands: [
            WalletsList.self, WalletsGet.self, WalletsHide.self, WalletsUnhide.self, WalletsNonce.self,
            WalletsWithdraw.self,
        ])
}

struct WalletsList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists wallets, the default one first: address, salt, whether hidden.",
        discussion: "Example:\n  avsctl wallets list --json")

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { aggregator, output in
            var printer = client.printer.wallets
            for line in printer.lines(try await aggregator.listWallets()) { try output.line(line) }
        }
    }
}

/// Which wallet a command is about.
struct WalletOptions: ParsableArguments {
    @Option(name: .long, help: "The salt, decimal or 0x and hex.")
    var salt = UInt256.zero

    @Option(name: .long, help: ArgumentHelp("Of this factory, not of the default one.", valueName: "address"))
    var factory: Address?
}

struct WalletsGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Derives the wallet of a salt, registers it, and counts its tasks.",
        discussion: "Example:\n  avsctl wallets get --salt 1")

    @OptionGroup var wallet: WalletOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { aggregator, output in
            let summary = try await aggregator.getWallet(salt: wallet.salt, factory: wallet.factory)
            for line in client.printer.wallet(summary) { try output.line(line) }
        }
    }
}

struct WalletsHide: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hide", abstract: "Marks a wallet as hidden; it stays usable.",
        discussion: "Example:\n  avsctl wallets hide --salt 1")

    @OptionGroup var wallet: WalletOptions
    @OptionGroup var client: ClientOptions

    func run() async throws { try await client.setHidden(true, wallet) }
}

struct WalletsUnhide: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unhide", abstract: "Shows a hidden wallet again.",
        discussion: "Example:\n  avsctl wallets unhide --salt 1")

    @OptionGroup var wallet: WalletOptions
    @OptionGroup var client: ClientOptions

    func run() async throws { try await client.setHidden(false, wallet) }
}

extension ClientOptions {
    fileprivate func setHidden(_ isHidden: Bool, _ wallet: WalletOptions) async throws {
        try await withClient { aggregator, output in
            let summary = try await aggregator.setWallet(
                salt: wallet.salt, factory: wallet.factory, isHidden: isHidden, idempotencyKey: .random())
            var printer = printer.wallets
            for line in printer.lines([summary.wallet]) { try output.line(line) }
        }
    }
}

struct WalletsNonce: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nonce", abstract: "Prints the next nonce of a smart wallet. Needs no login.",
        discussion: "Example:\n  avsctl wallets nonce 0x1111111111111111111111111111111111111111")

    @Argument(help: "The smart wallet's address.")
    var address: Address

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient(signedIn: false) { aggregator, output in
            try output.line(client.printer.nonce(try await aggregator.getNonce(of: address), of: address))
        }
    }
}
