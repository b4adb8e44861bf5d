extension AggregatorConfiguration {
    /// Keys that are read and checked, and decide nothing in this version: what they are for is yet to come, or has
    /// another place here than in the reference. Whoever gives one is told so at start.
    ///
    /// A test holds this list against all keys: a key is either here, or named there as one that has an effect.
    static let withoutEffect: [String] =
        storageAndRuns + outside + [
            "server_name", "auth.single_use_messages", "compat.seed_shims", "macros.vars.*",
        ]

    private static let storageAndRuns = [
        // Version 1 knows workflows of the first tier only.
        "fee_rates.tiers.tier_2", "fee_rates.tiers.tier_3",
    ]

    private static let outside = [
        "chains[].ws_url", "chains[].confirmations", "smart_wallet.eth_ws_url",
        "smart_wallet.whitelist_addresses[]",
        "notifications.summary.enabled", "notifications.summary.provider", "notifications.summary.api_endpoint",
        "notifications.summary.api_key", "ecdsa_private_key", "eth_ws_url",
        "operator_state_retriever_address", "avs_registry_coordinator_address", "sentry_dsn",
        "tenderly_account", "tenderly_project", "tenderly_access_key", "socket_path", "etherscan_url",
        "eigenlayer_url",
    ]
}
