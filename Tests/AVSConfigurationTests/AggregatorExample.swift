/// The documented example (design 9): a development chain on this machine.
enum AggregatorExample {
    static let text = """
        environment: development
        db_path: .data/db            # required
        keys_dir: .data/keys         # jwt_secret, root_key, mode 0600; generated only in development
        rpc_bind_address: 127.0.0.1:2206
        admin_bind_address: 127.0.0.1:2207
        http_bind_address: 127.0.0.1:1323
        chains:
          - id: 31337
            default: true
            rpc_urls: [http://127.0.0.1:8545]
            ws_url: ws://127.0.0.1:8545
            bundler_url: http://127.0.0.1:4337
            entry_point: {version: v0.6, address: 0x5FF137D4b0FDCD49DcA30c7CF57E578a026d2789}
            factory_address: 0xB99BC2E399e06CddCF5E725c0ea341E8f0322834
            paymaster_address: 0xf023eA291F5bEDA4Bf59BbDC9004F1d18be19D6f

        """

    /// The shape of the reference's file, with every key that it has.
    static let reference = """
        environment: development
        db_path: /srv/avs/db
        backup_dir: /srv/avs/backup
        ecdsa_private_key: 0x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
        eth_rpc_url: https://holesky.example/v2/key
        eth_ws_url: wss://holesky.example/v2/key
        rpc_bind_address: 0.0.0.0:2206
        http_bind_address: 0.0.0.0:1323
        operator_state_retriever_address: 0x1111111111111111111111111111111111111111
        avs_registry_coordinator_address: 0x2222222222222222222222222222222222222222
        jwt_secret: a secret that is longer than 32 bytes
        socket_path: /run/avs/ap.sock
        sentry_dsn: ""
        server_name: aggregator-1
        tenderly_account: ours
        tenderly_project: main
        tenderly_access_key: simulator-key
        moralis_api_key: price-key
        approved_operators:
          - 0x997e5d40a32c44a3d93e59fc55c4fd20b7d2d49d
        macros:
          vars: {slack_channel: "#alerts"}
          secrets: {ap_notify_bot_token: "123:abc"}
        smart_wallet:
          eth_rpc_url: https://sepolia.example/v2/key
          eth_ws_url: wss://sepolia.example/v2/key
          bundler_url: https://bundler.example/rpc?apikey=x
          factory_address: 0xB99BC2E399e06CddCF5E725c0ea341E8f0322834
          entrypoint_address: 0x5FF137D4b0FDCD49DcA30c7CF57E578a026d2789
          paymaster_address: 0xf023eA291F5bEDA4Bf59BbDC9004F1d18be19D6f
          controller_private_key: fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210
          whitelist_addresses: []
          max_wallets_per_owner: 2000
        backup: {enabled: true, interval_minutes: 60, backup_dir: /srv/avs/backup}
        fee_rates:
          execution_fee_usd: 0
          credit_limit_usd: 1.5
          tiers: {tier_1: 0.03, tier_2: 0.09, tier_3: 0.18}
        notifications:
          summary: {enabled: true, provider: context-memory, api_endpoint: "https://summary.example", api_key: k}
        etherscan_url: https://sepolia.etherscan.io
        eigenlayer_url: https://sepolia.eigenlayer.xyz

        """
}
