import AVSPrimitives

extension OperatorConfiguration: ConfigurationSection {
    static let keys: [Key<OperatorConfiguration>] = ownKeys + externalKeys

    private static let ownKeys: [Key<OperatorConfiguration>] = [
        .value("environment", \.environment, .choice),
        .optional("production", \.isProduction, .boolean),
        .required("operator_address", \.operatorAddress, .address),
        .optional("ecdsa_private_key_store_path", \.keystorePath, .path),
        .required("db_path", \.databasePath, .path),
        .required("aggregator_server_ip_port_address", \.aggregator, .reachableHostPort),
        .section("aggregator_tls", \.aggregatorTLS),
        .sections("chains", \.chains, count: 1...16),
        .optionalSection("target_chain", \.targetChain),
        .optional("eigen_metrics_ip_port_address", \.metricsAddress, .hostPort),
        .value("enable_metrics", \.servesMetrics, .boolean),
        .optional("node_api_ip_port_address", \.nodeAPIAddress, .hostPort),
        .value("enable_node_api", \.servesNodeAPI, .boolean),
        .optional("server_name", \.serverName, .line(253)),
        .section("log", \.log),
        .section("enabled_features", \.features),
        .section("event_safety", \.eventSafety),
    ]

    private static let externalKeys: [Key<OperatorConfiguration>] = [
        .optional("bls_private_key_store_path", \.external.blsKeystorePath, .path),
        .optionalSection("bls_remote_signer", \.external.blsSigner),
        .optional("avs_registry_coordinator_address", \.external.registryCoordinator, .address),
        .optional("operator_state_retriever_address", \.external.operatorStateRetriever, .address),
        .optional("ap_config_address", \.external.aliasRegistry, .address),
        .optional("eth_rpc_url", \.external.eigenLayerRPC, .url("http", "https")),
        .optional("eth_ws_url", \.external.eigenLayerWebSocket, .url("ws", "wss")),
        .optional("sentry_dsn", \.external.sentryDSN, .url("http", "https")),
    ]

    mutating func finish(_ context: SectionContext) {
        takeOldEnvironment(context)
        takeTargetChain(context)
        chains.finish(context.child("chains"))
        log.adapt(to: environment, context.child("log"))
        if servesMetrics, metricsAddress == nil {
            context.refuse("eigen_metrics_ip_port_address", "is missing: `enable_metrics` needs it")
        }
        if servesNodeAPI, nodeAPIAddress == nil {
            context.refuse("node_api_ip_port_address", "is missing: `enable_node_api` needs it")
        }
        if servesMetrics, servesNodeAPI, let metricsAddress, metricsAddress == nodeAPIAddress, metricsAddress.port != 0
        {
            context.refuse("node_api_ip_port_address", "is also `eigen_metrics_ip_port_address`: wanted one of its own")
        }
        if external.blsKeystorePath != nil, external.blsSigner != nil {
            context.refuse("bls_remote_signer", "and `bls_private_key_store_path` are both given: wanted one of them")
        }
        if environment == .production, !aggregatorTLS.isOn, !aggregator.isLoopback {
            context.warn(
                "aggregator_server_ip_port_address", "without `aggregator_tls` nobody proves who answers there")
        }
    }

    private mutating func takeOldEnvironment(_ context: SectionContext) {
        defer { isProduction = nil }
        guard let isProduction else { return }
        let meant: DeploymentEnvironment = isProduction ? .production : .development
        if context.isGiven("environment"), environment != meant {
            context.refuse("production", "`\(isProduction)` contradicts `environment`: wanted one of them")
        }
        environment = meant
    }

    /// The reference's one watched chain; where it has no endpoint of its own it is the chain of the registry.
    private mutating func takeTargetChain(_ context: SectionContext) {
        defer { targetChain = nil }
        if context.isGiven("chains") {
            if targetChain != nil {
                context.refuse("target_chain", "and `chains` are both given: wanted one of them")
            }
            return
        }
        var chain = ChainConfiguration()
        chain.id = targetChain?.id
        chain.isDefault = true
        chain.rpcURLs = [targetChain?.rpcURL ?? external.eigenLayerRPC].compactMap(\.self)
        chain.webSocketURL =
            targetChain?.webSocketURL ?? (targetChain?.rpcURL == nil ? external.eigenLayerWebSocket : nil)
        chains = [chain]
        if chain.rpcURLs.isEmpty, !context.child("target_chain").isGiven("eth_rpc_url"), !context.isGiven("eth_rpc_url")
        {
            context.refuse("chains", "is missing: wanted a list of 1 to 16 chains")
        }
    }
}

/// `target_chain`: the reference's keys of the one chain that it watches.
struct TargetChainKeys: Hashable, Sendable {
    var id: UInt64?
    var rpcURL: EndpointURL?
    var webSocketURL: EndpointURL?

    init() {}
}

extension TargetChainKeys: ConfigurationSection {
    static let keys: [Key<TargetChainKeys>] = [
        .optional("chain_id", \.id, .integer(ChainConfiguration.idBounds)),
        .optional("eth_rpc_url", \.rpcURL, .url("http", "https")),
        .optional("eth_ws_url", \.webSocketURL, .url("ws", "wss")),
    ]
}

extension OperatorConfiguration.Features: ConfigurationSection {
    static let keys: [Key<Self>] = [.value("event_trigger", \.watchesEvents, .boolean)]
}

extension OperatorConfiguration.EventSafety: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("max_total_events_per_block", \.eventsPerBlock, .integer(1...1_000_000)),
        .value("max_events_per_query_per_block", \.eventsPerQueryAndBlock, .integer(1...1_000_000)),
    ]
}

extension OperatorConfiguration.RemoteBLSSigner: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .required("grpc_url", \.address, .line()),
        .required("public_key", \.publicKey, .line()),
        .optional("password", \.password, .secret()),
        .optional("tls_cert_file_path", \.certificatePath, .path),
    ]
}
