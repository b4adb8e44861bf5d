/// Every key of the operator (aggregator-api 9.7, design 9).
enum OperatorRows {
    static let minimum = [
        ("operator_address", "0x997e5d40a32c44a3d93e59fc55c4fd20b7d2d49d"), ("db_path", "data/operator"),
        ("aggregator_server_ip_port_address", "127.0.0.1:2206"), ("chains[].rpc_urls", "[http://127.0.0.1:8545]"),
    ]

    static let all = own + tls + chain + external + old

    private static let own: [KeyRow] = [
        .choice("environment", "production", ["production", "development"]),
        .address("operator_address", "0x997E5D40a32c44a3D93E59fC55C4Fd20b7d2d49D"),
        .path("ecdsa_private_key_store_path", nil),
        .path("db_path", "data/operator"),
        KeyRow(
            "aggregator_server_ip_port_address", "127.0.0.1:2206", accepts: ["aggregator.example:1", "\"[::1]:2\""],
            refuses: [":2206", "127.0.0.1:0", "127.0.0.1", "\"\"", "{}"]),
        KeyRow(
            "eigen_metrics_ip_port_address", nil, accepts: ["127.0.0.1:9090", ":1"], refuses: ["9090", "x", "[]"]),
        .boolean("enable_metrics", false, with: [("eigen_metrics_ip_port_address", "127.0.0.1:9090")]),
        KeyRow("node_api_ip_port_address", nil, accepts: ["127.0.0.1:9010", ":2"], refuses: ["9010", "x", "[]"]),
        .boolean("enable_node_api", false, with: [("node_api_ip_port_address", "127.0.0.1:9010")]),
        KeyRow("server_name", nil, accepts: ["ours", "\"\""], refuses: ["\"a\\nb\"", "[]"]),
        .choice("log.level", "info", ["info", "trace", "debug", "notice", "warning", "error", "critical"]),
        .choice("log.format", "json", ["json", "text"]),
        .boolean("enabled_features.event_trigger", false),
        .integer("event_safety.max_total_events_per_block", 1_000, 1...1_000_000),
        .integer("event_safety.max_events_per_query_per_block", 500, 1...1_000_000),
    ]

    private static let on = [("aggregator_tls.enabled", "true")]
    private static let pair =
        on + [
            ("aggregator_tls.certificate", "c.pem"), ("aggregator_tls.key", "k.pem"),
        ]

    private static let tls: [KeyRow] = [
        .boolean("aggregator_tls.enabled", false),
        KeyRow("aggregator_tls.ca", nil, accepts: ["ca.pem"], refuses: ["[]"], with: on),
        KeyRow("aggregator_tls.server_name", nil, accepts: ["a.example"], refuses: ["{}"], with: on),
        KeyRow("aggregator_tls.certificate", nil, accepts: ["c2.pem"], refuses: ["~/c"], with: pair),
        KeyRow("aggregator_tls.key", nil, accepts: ["k2.pem"], refuses: ["~/k"], with: pair),
    ]

    private static let chain: [KeyRow] = [
        .integer("chains[].id", nil, 1...9_223_372_036_854_775_771, sample: 31_337),
        .boolean("chains[].default", true),
        KeyRow(
            "chains[].rpc_urls[]", "http://127.0.0.1:8545", accepts: ["[https://a.example, http://b.example/x]"],
            refuses: ["[]", "http://a.example", "{}"]),
        .url("chains[].ws_url", nil, "ws"),
        .integer("chains[].confirmations", 0, 0...128),
        .url("chains[].bundler_url", nil),
        KeyRow("chains[].entry_point.version", "v0.6", accepts: ["v0.6"], refuses: ["v0.7", "[]"]),
        .address("chains[].entry_point.address", "0x5FF137D4b0FDCD49DcA30c7CF57E578a026d2789"),
        .address("chains[].factory_address", "0xB99BC2E399e06CddCF5E725c0ea341E8f0322834"),
        .address("chains[].paymaster_address", "0xf023eA291F5bEDA4Bf59BbDC9004F1d18be19D6f"),
    ]

    private static let signer = [
        ("bls_remote_signer.grpc_url", "signer:50051"), ("bls_remote_signer.public_key", "abc"),
    ]

    private static let external: [KeyRow] = [
        .path("bls_private_key_store_path", nil),
        KeyRow("bls_remote_signer.grpc_url", nil, accepts: ["b:1"], refuses: ["[]"], with: signer),
        KeyRow("bls_remote_signer.public_key", nil, accepts: ["b"], refuses: ["{}"], with: signer),
        .secret("bls_remote_signer.password", with: signer),
        KeyRow("bls_remote_signer.tls_cert_file_path", nil, accepts: ["c.pem"], refuses: ["~/c"], with: signer),
        .address("avs_registry_coordinator_address", nil),
        .address("operator_state_retriever_address", nil),
        .address("ap_config_address", nil),
        .url("eth_rpc_url", nil),
        .url("eth_ws_url", nil, "ws"),
        .url("sentry_dsn", nil),
    ]

    /// Read, never printed.
    private static let old: [KeyRow] = [
        KeyRow("production", nil, accepts: ["true", "false"], refuses: ["yes", "\"true\"", "[]"]),
        .integer("target_chain.chain_id", nil, 1...9_223_372_036_854_775_771),
        .url("target_chain.eth_rpc_url", nil),
        .url("target_chain.eth_ws_url", nil, "ws"),
    ]
}
