import AVSPrimitives

/// `smart_wallet`: the reference's keys of the one chain that it acts on. They become a list of one chain, the
/// controller's key and a limit, and are never printed.
struct SmartWalletKeys: Hashable, Sendable {
    var chain = ChainConfiguration()
    var rpcURL: EndpointURL?
    var controllerKey: Sensitive<String>?
    /// Accepted and not used, as in the reference.
    var allowedAddresses: [Address] = []
    /// 0 and less mean the default, as in the reference.
    var walletsPerOwner = 0

    init() {}
}

extension SmartWalletKeys: ConfigurationSection {
    static let keys: [Key<SmartWalletKeys>] = [
        .optional("chain_id", \.chain.id, .integer(ChainConfiguration.idBounds)),
        .optional("eth_rpc_url", \.rpcURL, .url("http", "https")),
        .optional("eth_ws_url", \.chain.webSocketURL, .url("ws", "wss")),
        .optional("bundler_url", \.chain.bundlerURL, .url("http", "https")),
        .value("factory_address", \.chain.factory, .address),
        .value("entrypoint_address", \.chain.entryPoint.address, .address),
        .optional("paymaster_address", \.chain.paymaster, .address),
        .optional("controller_private_key", \.controllerKey, .privateKey),
        .list("whitelist_addresses", \.allowedAddresses, .address, count: 0...10_000),
        .value(
            "max_wallets_per_owner", \.walletsPerOwner,
            .integer(Int(Int32.min)...AggregatorConfiguration.Limits.walletsPerOwnerBounds.upperBound)),
    ]

    mutating func finish(_ context: SectionContext) {
        chain.rpcURLs = [rpcURL].compactMap(\.self)
        chain.isDefault = true
        if rpcURL == nil, !context.isGiven("eth_rpc_url") {
            context.refuse("eth_rpc_url", "is missing: wanted the URL of the chain's JSON-RPC")
        }
    }
}
