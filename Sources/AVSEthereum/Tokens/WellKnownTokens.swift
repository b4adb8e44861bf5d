public import AVSPrimitives

/// Tokens that most workflows are about, by chain: their names are known without asking anybody.
public enum WellKnownTokens {
    public static func onChain(_ id: UInt64) -> [Address: TokenMetadata] { byChain[id] ?? [:] }

    private static let byChain: [UInt64: [Address: TokenMetadata]] = [
        1: table([
            ("0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", "USD Coin", "USDC", 6),
            ("0xdac17f958d2ee523a2206206994597c13d831ec7", "Tether USD", "USDT", 6),
            ("0x6b175474e89094c44da98b954eedeac495271d0f", "Dai Stablecoin", "DAI", 18),
            ("0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", "Wrapped Ether", "WETH", 18),
            ("0x2260fac5e5542a773aa44fbcfedf7c193bc2c599", "Wrapped BTC", "WBTC", 8),
        ]),
        8_453: table([
            ("0x833589fcd6edb6e08f4c7c32d4f71b54bda02913", "USD Coin", "USDC", 6),
            ("0x4200000000000000000000000000000000000006", "Wrapped Ether", "WETH", 18),
        ]),
        84_532: table([
            ("0x036cbd53842c5426634e7929541ec2318f3dcf7e", "USDC", "USDC", 6),
            ("0x4200000000000000000000000000000000000006", "Wrapped Ether", "WETH", 18),
        ]),
        11_155_111: table([
            ("0x1c7d4b196cb0c7b01d743fbc6116a902379c7238", "USDC", "USDC", 6),
            ("0xfff9976782d46cc05630d1f6ebab18b2324d6b14", "Wrapped Ether", "WETH", 18),
            ("0x779877a7b0d9e8603169ddbd7836e478b4624789", "ChainLink Token", "LINK", 18),
        ]),
    ]

    private static func table(
        _ rows: [(address: String, name: String, symbol: String, decimals: Int)]
    ) -> [Address: TokenMetadata] {
        rows.reduce(into: [:]) { table, row in
            guard let address = Address(row.address) else { return assertionFailure("\(row.address) is no address") }
            table[address] = TokenMetadata(name: row.name, symbol: row.symbol, decimals: row.decimals)
        }
    }
}
