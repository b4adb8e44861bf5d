import AVSEthereum
import AVSModel
import AVSPrimitives

/// The balance node: the tokens of an address, as the balance service knows them, or as the chain itself says where
/// there is no service.
///
/// - Source: execution-engine.md 5.10.
extension BalanceNode {
    /// Addresses in one node; more are refused.
    static let tokenLimit = 100

    func run(in context: NodeContext, log: inout [String]) async throws(NodeFailure) -> NodeOutcome {
        let query = try await query(in: context, log: &log)
        let source = try source(for: query, in: context)
        log.append("Balances of \(query.holder.checksummed) on \(query.chain.name), by \(source.name)")
        let found = try await source.balances(query)
        let shown = found.filter { isShown($0, query) }
        log.append("\(shown.count) of \(found.count) tokens")
        return NodeOutcome(output: .array(shown.map(\.json)))
    }

    private func isShown(_ token: TokenBalance, _ query: BalanceQuery) -> Bool {
        // Whoever names tokens wants to see them all.
        let showsZero = includesZeroBalances || !query.tokens.isEmpty
        guard showsZero || token.balance != .zero else { return false }
        return minimumUSDCents == 0 || (token.usdValue ?? 0) * 100 >= Double(minimumUSDCents)
    }

    // MARK: Checks, in the order in which clients see them

    private func query(in context: NodeContext, log: inout [String]) async throws(NodeFailure) -> BalanceQuery {
        let templates = context.templates
        let address = try await templates.resolve(address, in: "address").trimmingBlanks()
        guard !address.isEmpty else { throw .missing("address") }
        guard let holder = Address(address) else {
            throw NodeFailure(code: .invalidAddress, "invalid ethereum address format: \(address.excerpt())")
        }
        let spelling = try await templates.resolve(chain, in: "chain").trimmingBlanks()
        guard !spelling.isEmpty else { throw .missing("chain") }
        guard let chain = BalanceChain(spelling, configured: context.environment.services.chains) else {
            throw NodeFailure(code: .invalidNodeConfig, "unsupported chain: \(spelling.excerpt())")
        }
        guard minimumUSDCents >= 0 else {
            throw NodeFailure(
                code: .invalidNodeConfig,
                "minUsdValue must be non-negative, got \(JSONValue.text(of: Double(minimumUSDCents) / 100))")
        }
        let tokens = try await tokens(templates, log: &log)
        return BalanceQuery(
            holder: holder, chain: chain, tokens: tokens, includesSpam: includesSpam,
            needsPrices: minimumUSDCents > 0)
    }

    /// The listed tokens, each once. What is no address is left out, and said so.
    private func tokens(
        _ templates: TemplateResolver, log: inout [String]
    ) async throws(NodeFailure) -> [Address] {
        guard tokenAddresses.count <= Self.tokenLimit else {
            throw NodeFailure(
                code: .invalidNodeConfig,
                "tokenAddresses has \(tokenAddresses.count) entries, at most \(Self.tokenLimit) are allowed")
        }
        var tokens: [Address] = []
        for entry in tokenAddresses {
            let text = try await templates.resolve(entry, in: "tokenAddresses").trimmingBlanks()
            guard let token = Self.token(text) else {
                log.append("Warning: token address '\(text.excerpt())' is not a hex address and is ignored")
                continue
            }
            if !tokens.contains(token) { tokens.append(token) }
        }
        return tokens
    }

    /// An address, or the text of an object that has one as `id` or `address`.
    private static func token(_ text: String) -> Address? {
        if let address = Address(text) { return address }
        guard text.hasPrefix("{") else { return nil }
        do throws(JSONError) {
            let object = try JSONValue(parsing: text, duplicateKeys: .last)
            return (object["id"]?.stringValue ?? object["address"]?.stringValue).flatMap { Address($0) }
        } catch {
            return nil
        }
    }

    private func source(
        for query: BalanceQuery, in context: NodeContext
    ) throws(NodeFailure) -> any BalanceSource {
        let services = context.environment.services
        if query.chain.isListed, let key = services.secrets[BalanceService.keyName], !key.isEmpty {
            return BalanceService(base: services.balanceURL, key: key, http: context.environment.http)
        }
        guard !query.needsPrices, let chain = services.chains[query.chain.id] else {
            throw NodeFailure(
                code: .invalidNodeConfig,
                "moralis API key is not configured: the server's secret '\(BalanceService.keyName)' is missing")
        }
        return ChainBalances(chain: chain)
    }
}

/// Whose balances are asked for, and which.
struct BalanceQuery: Hashable, Sendable {
    var holder: Address
    var chain: BalanceChain
    /// Empty for all tokens that the source knows.
    var tokens: [Address]
    var includesSpam: Bool
    /// A source without prices cannot answer.
    var needsPrices: Bool
}

/// A chain as balance nodes name it.
struct BalanceChain: Hashable, Sendable {
    /// As the balance service spells it; else the id.
    var name: String
    var id: UInt64
    /// Whether the balance service knows it.
    var isListed: Bool

    /// - Parameter configured: this server's chains, which can be named by their ids.
    init?(_ text: String, configured: [UInt64: any ChainClient]) {
        let spelling = text.trimmingBlanks().lowercased()
        if let listed = Self.listed.first(where: { $0.spellings.contains(spelling) }) {
            (name, id, isListed) = (listed.name, listed.id, true)
        } else if let id = UInt64(spelling), configured[id] != nil {
            (name, self.id, isListed) = ("\(id)", id, false)
        } else {
            return nil
        }
    }

    private static let listed: [(name: String, id: UInt64, spellings: Set<String>)] = [
        ("eth", 1, ["ethereum", "eth", "1", "0x1"]),
        ("sepolia", 11_155_111, ["sepolia", "11155111", "0xaa36a7"]),
        ("base", 8_453, ["base", "8453", "0x2105"]),
        ("base-sepolia", 84_532, ["base-sepolia", "base sepolia", "basesepolia", "84532", "0x14a34"]),
        ("bsc", 56, ["bsc", "binance", "56", "0x38"]),
    ]
}

/// What an address has of one token.
struct TokenBalance: Hashable, Sendable {
    /// The chain's own token, as services and clients write its address.
    static let nativeAddress = "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE"

    var symbol: String
    var name: String
    var balance: UInt256
    var decimals: Int
    /// Checksummed.
    var address: String
    /// In US dollars; nil where the source does not say.
    var usdPrice: Double?
    var usdValue: Double?

    var isNative: Bool { address == Self.nativeAddress }

    /// A token that nobody knows.
    static func unknown(_ address: Address) -> TokenBalance {
        let metadata = TokenMetadata.unknown
        return TokenBalance(
            symbol: metadata.symbol, name: metadata.name, balance: .zero, decimals: metadata.decimals,
            address: address.checksummed)
    }

    var json: JSONValue {
        let raw = balance.description
        var fields: [String: JSONValue] = [
            "symbol": .string(symbol), "name": .string(name), "balance": .string(raw),
            "balanceFormatted": .string(TokenAmount.text(.string(raw), decimals: decimals) ?? raw),
            "decimals": .number(Double(decimals)), "tokenAddress": .string(address),
        ]
        if let usdPrice { fields["usdPrice"] = .number(usdPrice) }
        if let usdValue { fields["usdValue"] = .number(usdValue) }
        return .object(fields)
    }
}

/// Who knows balances.
protocol BalanceSource: Sendable {
    /// For the log.
    var name: String { get }

    /// The chain's own token and, of other tokens, those that the query lists, or all if it lists none.
    func balances(_ query: BalanceQuery) async throws(NodeFailure) -> [TokenBalance]
}
