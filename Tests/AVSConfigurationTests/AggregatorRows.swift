/// Every key of the aggregator (aggregator-api 9.6, reliability-security 4.2 and 8, design 9).
enum AggregatorRows {
    /// The smallest file that works.
    static let minimum = [
        ("db_path", "data/db"), ("jwt_secret", "0123456789abcdef0123456789abcdef"),
        ("chains[].rpc_urls", "[http://127.0.0.1:8545]"),
    ]

    static let all = top + chain + identities + operation + calls + owners + runs + rpc + storage + external + old

    private static let listed =
        "[0x0000000000000000000000000000000000000001, 0x0000000000000000000000000000000000000002]"
    private static let day = "1d"

    private static let top: [KeyRow] = [
        .choice("environment", "production", ["production", "development"]),
        .path("db_path", "data/db"),
        .path("keys_dir", nil),
        .path("backup_dir", "scratch/ap-avs-backup"),
        KeyRow(
            "rpc_bind_address", "127.0.0.1:2206", accepts: ["0.0.0.0:2206", "\"[::]:0\"", ":1", "localhost:65535"],
            refuses: ["2206", "127.0.0.1", "127.0.0.1:65536", "::1:2206", "127.1:5", "-x:5", "\"\"", "[]"]),
        KeyRow(
            "admin_bind_address", "127.0.0.1:2207", accepts: ["127.9.9.9:99", "\"[::1]:2\"", "localhost:3", "\"\""],
            refuses: ["0.0.0.0:2207", ":2207", "node.example:1", "[]"]),
        KeyRow(
            "http_bind_address", nil, accepts: ["127.0.0.1:1323", "0.0.0.0:1", "\"\""],
            refuses: ["1323", "\"x:\"", "{}"]),
        KeyRow("server_name", nil, accepts: ["ours", "\"\""], refuses: ["\"a\\nb\"", "[]"]),
        .secret("jwt_secret"),
        .secret("jwt_secret_previous"),
        KeyRow(
            "approved_operators[]",
            """
            0x997E5D40a32c44a3D93E59fC55C4Fd20b7d2d49D 0xc6B87cc9e85b07365b6aBEfff061F237F7cf7Dc3 \
            0xa026265a0F01A6E1A19b04655519429df0a57c4e
            """,
            accepts: [listed, "[]"], refuses: ["0x0000000000000000000000000000000000000001", "{}"]),
        .choice("operator_auth", "enforce", ["enforce", "log", "off"]),
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
        KeyRow(
            "chains[].entry_point.version", "v0.6", accepts: ["v0.6"], refuses: ["v0.7", "0.6", "v0.60", "[]"]),
        .address("chains[].entry_point.address", "0x5FF137D4b0FDCD49DcA30c7CF57E578a026d2789"),
        .address("chains[].factory_address", "0xB99BC2E399e06CddCF5E725c0ea341E8f0322834"),
        .address("chains[].paymaster_address", "0xf023eA291F5bEDA4Bf59BbDC9004F1d18be19D6f"),
    ]

    private static let identities: [KeyRow] = [
        .path("controller.keystore_path", nil),
        .privateKey("controller.private_key"),
        amount("controller.limits.gas_per_operation", "0", "1000000", beyond: "1000001"),
        amount("controller.limits.gas_per_day", "0", "1000000", beyond: "1000001"),
        amount("controller.limits.value_per_operation", "0", "1000000", beyond: "1000001"),
        amount("controller.limits.value_per_day", "0", "1000000", beyond: "1000001"),
        .integer("controller.limits.operations_per_minute", 0, 0...1_000_000),
        .duration("auth.max_token_lifetime", "30d", "1m", "3650d", beyond: ["59s", "3651d"], sample: "0"),
        .boolean("auth.single_use_messages", false),
        .duration("apikey.lifetime", "90d", "1m", "3650d", beyond: ["59s", "0", "3651d"]),
        KeyRow("tls.certificate", nil, accepts: ["a.pem"], refuses: ["[]", "~/a.pem"], with: [("tls.key", "k.pem")]),
        KeyRow("tls.key", nil, accepts: ["a.pem"], refuses: ["[]", "~/a.pem"], with: [("tls.certificate", "c.pem")]),
        .path("tls.client_ca", nil),
        .choice(
            "tls.mode", "off", ["off", "request", "require"],
            with: [("tls.certificate", "c.pem"), ("tls.key", "k.pem"), ("tls.client_ca", "ca.pem")]),
        .duration("tls.reload_interval", "1m", "1s", day, beyond: ["999ms", "25h"], sample: "0"),
        .choice("log.level", "info", ["info", "trace", "debug", "notice", "warning", "error", "critical"]),
        .choice("log.format", "json", ["json", "text"]),
        KeyRow(
            "macros.vars.*", nil, accepts: ["{a_1: x, B: \"\"}", "{}"], refuses: ["{a-b: x}", "{a: [x]}", "[a]", "x"]),
        KeyRow(
            "macros.secrets.*", nil, accepts: ["{ap_token: x}", "{}"], refuses: ["{a b: x}", "{a: \"\"}", "[a]", "x"]),
        .boolean("compat.project_canceled_as_disabled", true),
        .integer("compat.running_grace_ms", 5_000, 0...60_000),
        .boolean("compat.seed_shims", false),
    ]

    private static let operation: [KeyRow] = [
        .integer("queue.workers", 32, 1...1_024, sample: 64),
        .integer("queue.workers_per_owner", 8, 1...1_024, with: [("queue.workers", "1024")]),
        .integer("sync.initial_delay_ms", 10_000, 0...600_000),
        .integer("sync.period_s", 900, 1...86_400),
        .boolean("backup.enabled", false),
        .integer("backup.interval_minutes", 1_440, 1...43_200),
        .path("backup.backup_dir", nil),
        .integer("backup.keep", 7, 1...1_000),
        amount("fee_rates.execution_fee_usd", "0.02", "1000000", beyond: "1000000.000001"),
        amount("fee_rates.credit_limit_usd", "0", "1000000", beyond: "1000001"),
        amount("fee_rates.native_price_usd", "2500", "1000000", beyond: "1000001"),
        amount("fee_rates.tiers.tier_1", "0.03", "100", beyond: "100.1"),
        amount("fee_rates.tiers.tier_2", "0.09", "100", beyond: "101"),
        amount("fee_rates.tiers.tier_3", "0.18", "100", beyond: "101"),
        .boolean(
            "notifications.summary.enabled", false,
            with: [("notifications.summary.api_endpoint", "https://summary.example")]),
        .choice("notifications.summary.provider", "context-memory", ["context-memory"]),
        .url("notifications.summary.api_endpoint", nil),
        .secret("notifications.summary.api_key"),
        .bytes("script.memory", "128MiB", "32MiB", "4GiB", beyond: ["33554431", "4294967297"]),
        .boolean("script.jit", false),
        .boolean("script.require_sandbox", true),
        .path("script.worker", nil),
        .path("script.lodash", "/usr/share/javascript/lodash/lodash.min.js"),
        .integer("script.workers", 4, 1...64, sample: 8),
        .integer("script.workers_per_owner", 2, 1...64, with: [("script.workers", "64")]),
        KeyRow(
            "fetch.allow[]", "", accepts: ["[127.0.0.1:19876, \"[::1]:80\"]", "[]"],
            refuses: ["127.0.0.1:1", "{}"], with: [("environment", "development")]),
        .integer("fetch.max_redirects", 5, 0...20),
        .boolean("fetch.mock_host", false, with: [("environment", "development")]),
    ]

    private static func amount(_ path: String, _ standard: String, _ most: String, beyond: String) -> KeyRow {
        KeyRow(
            path, standard, accepts: ["0.000001", "0", most],
            refuses: [beyond, "-1", "1e2", ".5", "1.", "1.0000001", "0x1", "\"1\"", "free", "[]"])
    }

    private static let calls: [KeyRow] =
        [
            .choice("limits.profile", "production", ["production", "test"]),
            .integer(
                "limits.connections", 20_000, 1...1_000_000, sample: 1_000_000,
                with: [
                    ("limits.connections_per_address", "1")
                ]),
            .integer("limits.connections_per_address", 200, 1...1_000_000, with: [("limits.connections", "1000000")]),
            .integer("limits.running_simulations_per_caller", 5, 1...1_000),
            .integer("limits.running_handlers", 512, 1...100_000),
            .integer("limits.running_handlers_per_caller", 64, 1...100_000),
            .integer("limits.waiting_calls", 256, 0...100_000),
        ]
        + rate("unauthenticated_per_address", 20, 40) + rate("sign_ins_per_address", 5, 20)
        + rate("sign_ins_per_wallet", 1, 10) + rate("reads_per_caller", 100, 200) + rate("writes_per_caller", 10, 50)
        + rate("reads_per_api_key", 100, 200) + rate("writes_per_api_key", 10, 50)
        + rate("simulations_per_api_key", 2, 5)
        + rate("simulations_per_caller", 2, 5) + rate("notifications_per_operator", 2_000, 10_000)

    private static func rate(_ name: String, _ perSecond: Int, _ burst: Int) -> [KeyRow] {
        [
            .integer("limits.\(name).per_second", perSecond, 1...1_000_000),
            .integer("limits.\(name).burst", burst, 1...10_000_000),
        ]
    }

    private static let owners: [KeyRow] = [
        .integer("limits.tasks_per_owner", 1_000, 1...10_000_000),
        .integer("limits.wallets_per_owner", 5, 1...2_000),
        .integer("limits.secrets_per_owner", 1_000, 1...10_000),
        .bytes("limits.secret_size", "64KiB", "1KiB", "1MiB", beyond: ["1023", "1048577"]),
        .integer("limits.nodes_per_task", 1_000, 1...10_000),
        .integer("limits.edges_per_task", 4_000, 1...40_000),
        .integer("limits.nesting", 50, 1...64),
        .integer("limits.schedules_per_trigger", 10, 1...1_000),
        .integer("limits.addresses_per_query", 100, 1...10_000),
        .integer("limits.conditions_per_query", 50, 1...1_000),
    ]

    private static let roomy = [("limits.queued_per_owner", "10000000"), ("limits.queued_in_all", "10000000")]

    private static let runs: [KeyRow] = [
        .integer("limits.loop_elements", 10_000, 1...1_000_000),
        .integer("limits.steps_per_execution", 10_000, 1...1_000_000),
        .integer("limits.queued_per_task", 100, 1...10_000, with: roomy),
        .integer(
            "limits.queued_per_owner", 1_000, 1...10_000_000, sample: 1_000,
            with: [
                ("limits.queued_per_task", "1"), ("limits.queued_in_all", "10000000"),
            ]),
        .integer(
            "limits.queued_in_all", 100_000, 1...10_000_000, sample: 10_000_000,
            with: [
                ("limits.queued_per_task", "1"), ("limits.queued_per_owner", "1"),
            ]),
        .bytes(
            "limits.journal_size", "16MiB", "1MiB", "256MiB", beyond: ["1048575", "257MiB"], sample: "256MiB"),
        .bytes(
            "limits.step_output_size", "1MiB", "1KiB", "16MiB", beyond: ["1023", "17MiB"],
            with: [("limits.journal_size", "16MiB")]),
        .bytes("limits.execution_record_size", "3584KiB", "64KiB", "64MiB", beyond: ["65535", "65MiB"]),
        .integer("limits.page_rows", 1_000, 1...10_000),
        .bytes("limits.page_size", "3584KiB", "64KiB", "64MiB", beyond: ["65535", "65MiB"]),
    ]

    private static let rpc: [KeyRow] = [
        .bytes("rpc.message_size", "4MiB", "64KiB", "64MiB", beyond: ["65535", "65MiB"]),
        .integer("rpc.streams_per_connection", 100, 1...10_000),
        .integer("rpc.accept_backlog", 4_096, 1...65_535),
        .integer("rpc.event_loops", 0, 0...256),
        .duration("rpc.keepalive_time", "2h", "1s", day, beyond: ["999ms", "25h"], sample: "0"),
        .duration("rpc.keepalive_timeout", "20s", "1s", "10m", beyond: ["0", "999ms", "601s"]),
        .duration("rpc.permitted_ping_interval", "5m", "100ms", day, beyond: ["99ms", "0", "25h"]),
        .boolean("rpc.pings_without_calls", false),
        .duration("rpc.max_idle", "0", "1s", day, beyond: ["999ms", "25h"]),
        .duration("rpc.max_age", "0", "1s", "30d", beyond: ["999ms", "31d"]),
        .duration("rpc.max_age_grace", "0", "1s", day, beyond: ["999ms", "25h"]),
        .boolean("rpc.reflection", false),
        .boolean("rpc.frame_log", false),
    ]

    private static let storage: [KeyRow] = [
        .bytes("store.batch_max", "4MiB", "64KiB", "64MiB", beyond: ["65535", "65MiB"]),
        .integer("store.batch_updates_max", 1_024, 1...100_000),
        .duration("store.unsynced_max_age", "200ms", "1ms", "10s", beyond: ["0", "10001ms"]),
        .duration("store.commit_mark_interval", "1s", "100ms", "1m", beyond: ["99ms", "61s"]),
        .bytes("store.block_cache", "256MiB", "1MiB", "1024GiB", beyond: ["1023KiB", "1025GiB"]),
        .bytes("store.write_buffer", "64MiB", "1MiB", "4GiB", beyond: ["1023KiB", "4097MiB"]),
        KeyRow(
            "disk.soft", "5%, 2GiB", accepts: ["\"50%, 64GiB\"", "\"50%,9GiB\""],
            refuses: ["5%", "2GiB", "51%, 2GiB", "5%, -2", "2GiB, 5%", "-1%, 2GiB", "[]"]),
        KeyRow(
            "disk.hard", "2%, 512MiB", accepts: ["\"0%, 0\"", "\"2%, 1GiB\""],
            refuses: ["6%, 512MiB", "2%, 3GiB", "2%", "[]"]),
        .bytes("disk.ballast", "256MiB", "0", "64GiB", beyond: ["65GiB"]),
        .duration("dedup.keep", "7d", "1h", "3650d", beyond: ["59m", "0", "3651d"]),
        .integer("dedup.keep_per_task", 10_000, 100...10_000_000),
        .duration("execution.deadline", "15m", "1s", day, beyond: ["0", "999ms", "25h"]),
        .integer("execution.max_attempts", 3, 1...100),
        .choice("effects.blind_after_restart", "fail", ["fail", "retry"]),
        .url("outbox.webhook_url", nil),
        .secret("outbox.webhook_token"),
        .duration("outbox.first_retry", "1s", "100ms", "1h", beyond: ["99ms", "61m"]),
        .duration(
            "outbox.longest_retry", "1h", "100ms", day, beyond: ["99ms", "25h"], sample: day,
            with: [("outbox.first_retry", "100ms")]),
        .duration("outbox.give_up_after", "1d", "1m", "30d", beyond: ["59s", "31d"]),
        .duration("time.catch_up.skip", "1m", "10s", "7d", beyond: ["9s", "8d"]),
        .duration("time.catch_up.once", "1h", "10s", "7d", beyond: ["9s", "8d"]),
        .duration("clock.jump", "1s", "100ms", "1m", beyond: ["99ms", "61s"]),
        KeyRow(
            "memory.budget", "70%", accepts: ["10%", "95%", "256MiB", "8GiB"],
            refuses: ["9%", "96%", "255MiB", "70", "all", "[]"]),
        .duration(
            "drain.timeout", "30s", "1s", "10m", beyond: ["999ms", "601s"], sample: "0",
            with: [("drain.total_timeout", "15m")]),
        .duration(
            "drain.total_timeout", "45s", "1s", "15m", beyond: ["999ms", "901s"], sample: "15m",
            with: [
                ("drain.timeout", "0")
            ]),
    ]

    private static let external: [KeyRow] = [
        .privateKey("ecdsa_private_key"),
        .url("eth_rpc_url", nil),
        .url("eth_ws_url", nil, "ws"),
        .address("operator_state_retriever_address", nil),
        .address("avs_registry_coordinator_address", nil),
        .address("ap_config_address", nil),
        .url("sentry_dsn", nil),
        KeyRow("tenderly_account", nil, accepts: ["a", "\"\""], refuses: ["[]", "\"a\\tb\""]),
        KeyRow("tenderly_project", nil, accepts: ["a", "\"\""], refuses: ["[]", "\"a\\tb\""]),
        .secret("tenderly_access_key"),
        .secret("moralis_api_key"),
        .url("moralis_url", nil),
        .path("socket_path", nil),
        .url("etherscan_url", nil),
        .url("eigenlayer_url", nil),
    ]

    /// Keys of the reference's one chain: read, never printed.
    private static let old: [KeyRow] = [
        .integer("smart_wallet.chain_id", nil, 1...9_223_372_036_854_775_771),
        .url("smart_wallet.eth_rpc_url", nil),
        .url("smart_wallet.eth_ws_url", nil, "ws"),
        .url("smart_wallet.bundler_url", nil),
        .address("smart_wallet.factory_address", nil),
        .address("smart_wallet.entrypoint_address", nil),
        .address("smart_wallet.paymaster_address", nil),
        .privateKey("smart_wallet.controller_private_key"),
        KeyRow("smart_wallet.whitelist_addresses[]", nil, accepts: [listed, "[]"], refuses: ["x", "{}"]),
        KeyRow(
            "smart_wallet.max_wallets_per_owner", nil, accepts: ["7", "-1", "0", "2000"],
            refuses: ["2001", "\"5\"", "all", "[]"]),
    ]
}
