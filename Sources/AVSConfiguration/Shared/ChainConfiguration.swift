public import AVSPrimitives

/// One chain on which tasks watch and act: `chains[]`.
public struct ChainConfiguration: Hashable, Sendable {
    /// Nil only where the chain is the only one: then its endpoint is asked at start.
    public var id: UInt64?
    /// A task without `settings.chain_id` runs here. True for exactly one chain.
    public var isDefault = false
    /// JSON-RPC over HTTP, in order of preference: the next one serves while the one before fails.
    public var rpcURLs: [EndpointURL] = []
    /// JSON-RPC over WebSocket: new heads and logs. Without it blocks are polled.
    public var webSocketURL: EndpointURL?
    /// Blocks that must stand on a block before an operator reports what is in it; 0 reports at once, and what a
    /// reorganisation takes back was reported then.
    public var confirmations: UInt64 = 0
    /// Takes user operations (ERC-4337, entry point 0.6). Without it, or without `controller`, nothing is written on
    /// this chain.
    public var bundlerURL: EndpointURL?
    public var entryPoint = EntryPoint()
    /// Derives and creates the smart wallets.
    public var factory = StandardContracts.factory
    /// Pays for user operations; nil leaves that to the wallets.
    public var paymaster: Address? = StandardContracts.paymaster

    /// - Source: EIP-2294.
    static let idBounds: ClosedRange<UInt64> = 1...(UInt64.max / 2 - 36)

    init() {}

    /// The ERC-4337 contract that runs user operations: `chains[].entry_point`.
    public struct EntryPoint: Hashable, Sendable {
        public var version = EntryPointVersion.v06
        public var address = StandardContracts.entryPoint

        init() {}
    }
}

/// The contracts of the public network (aggregator-api 7.1).
public enum StandardContracts {
    public static let entryPoint = address("0x5FF137D4b0FDCD49DcA30c7CF57E578a026d2789")
    public static let factory = address("0xB99BC2E399e06CddCF5E725c0ea341E8f0322834")
    public static let paymaster = address("0xf023eA291F5bEDA4Bf59BbDC9004F1d18be19D6f")
    /// Who may report triggers where nobody else is named (aggregator-api 6.10).
    public static let approvedOperators = [
        address("0x997e5d40a32c44a3d93e59fc55c4fd20b7d2d49d"),
        address("0xc6b87cc9e85b07365b6abefff061f237f7cf7dc3"),
        address("0xa026265a0f01a6e1a19b04655519429df0a57c4e"),
    ]

    /// Of a literal; a test sees that none became zero.
    private static func address(_ text: String) -> Address { Address(text) ?? .zero }
}

extension ChainConfiguration: ConfigurationSection {
    static let keys: [Key<ChainConfiguration>] = [
        .optional("id", \.id, .integer(idBounds)),
        .value("default", \.isDefault, .boolean),
        .list("rpc_urls", \.rpcURLs, .url("http", "https"), count: 1...16),
        .optional("ws_url", \.webSocketURL, .url("ws", "wss")),
        .value("confirmations", \.confirmations, .integer(0...128)),
        .optional("bundler_url", \.bundlerURL, .url("http", "https")),
        .section("entry_point", \.entryPoint),
        .value("factory_address", \.factory, .address),
        .optional("paymaster_address", \.paymaster, .address),
    ]

    mutating func finish(_ context: SectionContext) {
        if !context.isGiven("rpc_urls") {
            context.refuse("rpc_urls", "is missing: wanted a list of 1 to 16 URLs")
        }
    }
}

extension ChainConfiguration.EntryPoint: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("version", \.version, .choice),
        .value("address", \.address, .address),
    ]
}

extension [ChainConfiguration] {
    /// Ids are known and distinct as soon as there are two, and exactly one chain is the default. A chain that is alone
    /// is the default without saying so.
    mutating func finish(_ context: SectionContext) {
        if count == 1 { self[0].isDefault = true }
        guard count > 1 else { return }
        var firstIndexes: [UInt64: Int] = [:]
        for (index, chain) in enumerated() {
            let element = context.element(index)
            guard let id = chain.id else {
                element.refuse("id", "is missing: wanted one where there are several chains")
                continue
            }
            if let first = firstIndexes.updateValue(index, forKey: id) {
                element.refuse("id", "`\(id)` is also the id of [\(first)]: wanted each chain once")
            }
        }
        let defaults = indices.filter { self[$0].isDefault }
        if defaults.isEmpty { context.refuse("none of \(count) chains has `default: true`: wanted exactly one") }
        for index in defaults.dropFirst() {
            context.element(index).refuse("default", "[\(defaults[0])] is the default already: wanted exactly one")
        }
    }
}
