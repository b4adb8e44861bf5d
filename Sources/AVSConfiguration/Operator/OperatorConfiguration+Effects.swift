extension OperatorConfiguration {
    /// Keys that are read and checked, and decide nothing in this version, as for ``AggregatorConfiguration``.
    ///
    /// A test holds this list against all keys.
    static let withoutEffect = [
        "server_name", "sentry_dsn", "enable_metrics", "node_api_ip_port_address", "enable_node_api",
        "event_safety.max_total_events_per_block", "bls_private_key_store_path", "bls_remote_signer.grpc_url",
        "bls_remote_signer.public_key", "bls_remote_signer.password", "bls_remote_signer.tls_cert_file_path",
        "operator_state_retriever_address", "chains[].bundler_url", "chains[].entry_point.version",
        "chains[].entry_point.address", "chains[].factory_address", "chains[].paymaster_address",
    ]
}
