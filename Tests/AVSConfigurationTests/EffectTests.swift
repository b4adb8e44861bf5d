import Testing

@testable import AVSConfiguration

@Suite("A key of the aggregator's configuration")
struct EffectTests {
    /// Keys that decide something. Whoever adds a key puts it here and wires it, or says that it has no effect.
    private static let inEffect: Set<String> = Set(
        """
        environment db_path backup_dir backup.enabled backup.interval_minutes backup.backup_dir backup.keep
        keys_dir rpc_bind_address http_bind_address admin_bind_address apikey.lifetime jwt_secret jwt_secret_previous
        approved_operators[] operator_auth chains[].id chains[].default chains[].rpc_urls[] chains[].entry_point.version
        chains[].entry_point.address chains[].factory_address smart_wallet.chain_id smart_wallet.eth_rpc_url
        smart_wallet.factory_address smart_wallet.entrypoint_address smart_wallet.max_wallets_per_owner
        auth.max_token_lifetime tls.certificate tls.key tls.client_ca tls.mode tls.reload_interval
        log.level log.format macros.secrets.*
        compat.project_canceled_as_disabled compat.running_grace_ms queue.workers queue.workers_per_owner
        sync.initial_delay_ms sync.period_s fee_rates.execution_fee_usd fee_rates.tiers.tier_1
        fee_rates.credit_limit_usd fee_rates.native_price_usd
        rpc.message_size rpc.streams_per_connection rpc.accept_backlog rpc.event_loops rpc.keepalive_time
        rpc.keepalive_timeout rpc.permitted_ping_interval rpc.pings_without_calls rpc.max_idle rpc.max_age
        rpc.max_age_grace rpc.reflection rpc.frame_log
        limits.profile limits.connections limits.connections_per_address
        limits.unauthenticated_per_address.per_second limits.unauthenticated_per_address.burst
        limits.sign_ins_per_address.per_second limits.sign_ins_per_address.burst
        limits.sign_ins_per_wallet.per_second limits.sign_ins_per_wallet.burst
        limits.reads_per_caller.per_second limits.reads_per_caller.burst
        limits.writes_per_caller.per_second limits.writes_per_caller.burst
        limits.simulations_per_caller.per_second limits.simulations_per_caller.burst
        limits.reads_per_api_key.per_second limits.reads_per_api_key.burst
        limits.writes_per_api_key.per_second limits.writes_per_api_key.burst
        limits.simulations_per_api_key.per_second limits.simulations_per_api_key.burst
        limits.notifications_per_operator.per_second limits.notifications_per_operator.burst
        limits.running_simulations_per_caller limits.running_handlers limits.running_handlers_per_caller
        limits.waiting_calls limits.tasks_per_owner limits.wallets_per_owner
        limits.secrets_per_owner limits.secret_size limits.nodes_per_task limits.edges_per_task
        limits.nesting limits.schedules_per_trigger limits.addresses_per_query limits.conditions_per_query
        limits.queued_per_task limits.queued_per_owner limits.queued_in_all limits.page_rows limits.page_size
        store.batch_max store.batch_updates_max store.unsynced_max_age store.commit_mark_interval store.block_cache
        store.write_buffer disk.soft disk.hard disk.ballast dedup.keep dedup.keep_per_task execution.deadline
        execution.max_attempts effects.blind_after_restart outbox.webhook_url outbox.webhook_token outbox.first_retry
        outbox.longest_retry outbox.give_up_after time.catch_up.skip time.catch_up.once clock.jump drain.timeout
        drain.total_timeout memory.budget
        fetch.allow[] fetch.max_redirects fetch.mock_host eth_rpc_url ap_config_address moralis_api_key moralis_url
        limits.loop_elements
        limits.steps_per_execution limits.journal_size limits.step_output_size limits.execution_record_size
        script.memory script.jit script.require_sandbox script.worker script.lodash script.workers
        script.workers_per_owner
        chains[].bundler_url chains[].paymaster_address smart_wallet.bundler_url smart_wallet.paymaster_address
        controller.keystore_path controller.private_key smart_wallet.controller_private_key
        controller.limits.gas_per_operation controller.limits.gas_per_day controller.limits.value_per_operation
        controller.limits.value_per_day controller.limits.operations_per_minute
        """.split(whereSeparator: \.isWhitespace).map(String.init))

    @Test("has an effect, or says at start that it has none: no key is silently ignored")
    func complete() {
        let all = Set(AggregatorConfiguration.described().map(\.path))
        let without = Set(AggregatorConfiguration.withoutEffect)
        #expect(without.count == AggregatorConfiguration.withoutEffect.count, "named twice")
        #expect(without.subtracting(all) == [], "no such key")
        #expect(without.intersection(Self.inEffect) == [])
        #expect(all.subtracting(without) == Self.inEffect)
    }

    @Test("of an operator has an effect, or says at start that it has none") func completeOperator() {
        let inEffect: Set<String> = Set(
            """
            environment production operator_address ecdsa_private_key_store_path db_path
            aggregator_server_ip_port_address aggregator_tls.enabled aggregator_tls.ca aggregator_tls.certificate
            aggregator_tls.key aggregator_tls.server_name
            chains[].id chains[].default chains[].rpc_urls[] chains[].ws_url chains[].confirmations
            target_chain.chain_id
            target_chain.eth_rpc_url target_chain.eth_ws_url eigen_metrics_ip_port_address log.level log.format
            enabled_features.event_trigger event_safety.max_events_per_query_per_block avs_registry_coordinator_address
            ap_config_address eth_rpc_url eth_ws_url
            """.split(whereSeparator: \.isWhitespace).map(String.init))
        let all = Set(OperatorConfiguration.described().map(\.path))
        let without = Set(OperatorConfiguration.withoutEffect)
        #expect(without.count == OperatorConfiguration.withoutEffect.count, "named twice")
        #expect(without.subtracting(all) == [], "no such key")
        #expect(all.subtracting(without) == inEffect)
    }

    private func withoutEffect(_ text: String) throws -> [String] {
        try AggregatorConfiguration.read(Array(text.utf8), file: "c.yaml", facts: facts).withoutEffect.map(
            \.description)
    }

    @Test("without effect is named with its place, once however many elements it has")
    func named() throws {
        let text = """
            db_path: data/db
            jwt_secret: 0123456789abcdef0123456789abcdef
            chains:
              - {id: 1, rpc_urls: ["http://a"], default: true, ws_url: "ws://a"}
              - {id: 2, rpc_urls: ["http://b"], ws_url: "ws://b"}
            macros: {vars: {a: b, c: d}}
            tenderly_account: a
            """
        let end = "is set, but has no effect in this version"
        #expect(
            try withoutEffect(text) == [
                "c.yaml:4:60: chains[0].ws_url: \(end)", "c.yaml:6:20: macros.vars.a: \(end)",
                "c.yaml:7:19: tenderly_account: \(end)",
            ])
    }

    @Test("of the reference's file is told to have none, where it has none")
    func reference() throws {
        let found = try withoutEffect(AggregatorExample.reference)
        for key in ["socket_path", "etherscan_url", "eigenlayer_url", "ecdsa_private_key"] {
            #expect(found.contains { $0.contains(": \(key): ") }, "\(key)")
        }
        #expect(!found.contains { $0.contains("fedcba") || $0.contains("db_path") })
    }

    @Test(
        "LOG-6: reflection follows the environment unless the file says otherwise",
        arguments: [true, false, nil] as [Bool?])
    func reflection(given: Bool?) throws {
        for environment in ["development", "production"] {
            let text = """
                environment: \(environment)
                db_path: data/db
                jwt_secret: 0123456789abcdef0123456789abcdef
                chains: [{id: 1, rpc_urls: ["http://a"]}]
                \(given.map { "rpc: {reflection: \($0)}" } ?? "")
                """
            let read = try AggregatorConfiguration.read(Array(text.utf8), file: "c.yaml", facts: facts).value
            #expect(read.rpc.hasReflection == given ?? (environment == "development"))
        }
    }
}
