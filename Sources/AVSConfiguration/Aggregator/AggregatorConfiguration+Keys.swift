import AVSPrimitives

extension AggregatorConfiguration: ConfigurationSection {
    static let keys: [Key<AggregatorConfiguration>] = ownKeys + sectionKeys + externalKeys

    private static let ownKeys: [Key<AggregatorConfiguration>] = [
        .value("environment", \.environment, .choice),
        .required("db_path", \.databasePath, .path),
        .optional("keys_dir", \.keysDirectory, .path),
        .value("backup_dir", \.backupDirectory, .path),
        .value("rpc_bind_address", \.rpcAddress, .hostPort),
        .optional("admin_bind_address", \.adminAddress, .hostPort),
        .optional("http_bind_address", \.httpAddress, .hostPort),
        .optional("server_name", \.serverName, .line(253)),
        .sections("chains", \.chains, count: 1...16),
        .optionalSection("smart_wallet", \.smartWallet),
        .section("controller", \.controller),
        .optional("jwt_secret", \.jwtSecret, .secret()),
        .optional("jwt_secret_previous", \.previousJWTSecret, .secret()),
        .list("approved_operators", \.approvedOperators, .address, count: 0...10_000),
        .value("operator_auth", \.operatorAuthentication, .choice),
    ]

    private static let sectionKeys: [Key<AggregatorConfiguration>] = [
        .section("auth", \.auth),
        .section("apikey", \.apiKey),
        .section("tls", \.tls),
        .section("rpc", \.rpc),
        .section("log", \.log),
        .section("macros", \.macros),
        .section("compat", \.compatibility),
        .section("queue", \.queue),
        .section("sync", \.sync),
        .section("limits", \.limits),
        .section("backup", \.backup),
        .section("fee_rates", \.fees),
        .section("notifications", \.notifications),
        .section("store", \.store),
        .section("disk", \.disk),
        .section("dedup", \.dedup),
        .section("execution", \.execution),
        .section("effects", \.effects),
        .section("outbox", \.outbox),
        .section("time", \.time),
        .section("clock", \.clock),
        .section("memory", \.memory),
        .section("drain", \.drain),
        .section("script", \.script),
        .section("fetch", \.fetch),
    ]

    /// Keys of the reference for services that we can do without: checked, never required.
    private static let externalKeys: [Key<AggregatorConfiguration>] = [
        .optional("ecdsa_private_key", \.external.privateKey, .privateKey),
        .optional("eth_rpc_url", \.external.eigenLayerRPC, .url("http", "https")),
        .optional("eth_ws_url", \.external.eigenLayerWebSocket, .url("ws", "wss")),
        .optional("operator_state_retriever_address", \.external.operatorStateRetriever, .address),
        .optional("avs_registry_coordinator_address", \.external.registryCoordinator, .address),
        .optional("ap_config_address", \.external.aliasRegistry, .address),
        .optional("sentry_dsn", \.external.sentryDSN, .url("http", "https")),
        .optional("tenderly_account", \.external.tenderlyAccount, .line()),
        .optional("tenderly_project", \.external.tenderlyProject, .line()),
        .optional("tenderly_access_key", \.external.tenderlyAccessKey, .secret()),
        .optional("moralis_api_key", \.external.moralisAPIKey, .secret()),
        .optional("moralis_url", \.external.moralisURL, .url("http", "https")),
        .optional("socket_path", \.external.socketPath, .path),
        .optional("etherscan_url", \.external.etherscanURL, .url("http", "https")),
        .optional("eigenlayer_url", \.external.eigenLayerURL, .url("http", "https")),
    ]
}
