import AVSConfiguration
import AVSEngine
import AVSPrimitives
import AVSRocksDB
import AVSServer
import AVSTransport
import Testing

@testable import avs_aggregator

@Suite("A key of the configuration")
struct SettingsTests {
    private static let facts = ProcessFacts(temporaryDirectory: "scratch", userID: 1_000)

    /// Everything that the parts of the service are told, as one text.
    private func settings(_ text: String) throws -> String {
        let base = """
            db_path: data/db
            jwt_secret: 0123456789abcdef0123456789abcdef
            chains: [{id: 1, rpc_urls: ["http://a"]}]
            """
        let configuration = try AggregatorConfiguration.read(
            Array((base + "\n" + text).utf8), file: "c.yaml", facts: Self.facts
        ).value
        var store = RocksDBOptions(onFatal: { _ in })
        configuration.apply(to: &store)
        var output = ""
        dump(configuration.engineConfiguration([:], defaultID: 1), to: &output)
        dump(configuration.serverSettings(security: .plaintext), to: &output)
        dump(configuration.runLimits, to: &output)
        dump(store, to: &output)
        dump(configuration.backupSettings, to: &output)
        dump(configuration.scriptSettings(programs: "bin"), to: &output)
        dump(configuration.signingPolicy([:]), to: &output)
        return output
    }

    @Test("reaches the part of the service that it is for", arguments: [
        "rpc_bind_address: 127.0.0.1:99", "http_bind_address: 127.0.0.1:98", "operator_auth: log",
        "approved_operators: [\"0x0000000000000000000000000000000000000001\"]", "macros: {secrets: {ap_a: b}}",
        "compat: {project_canceled_as_disabled: false}", "compat: {running_grace_ms: 1}", "queue: {workers: 33}",
        "queue: {workers_per_owner: 7}", "sync: {initial_delay_ms: 1}", "sync: {period_s: 1}",
        "fee_rates: {execution_fee_usd: 0.5}", "fee_rates: {tiers: {tier_1: 0.5}}",
        "controller: {limits: {gas_per_operation: 0.5}}", "controller: {limits: {gas_per_day: 0.5}}",
        "controller: {limits: {value_per_operation: 0.5}}", "controller: {limits: {value_per_day: 0.5}}",
            "controller: {limits: {operations_per_minute: 5}}", "fee_rates: {credit_limit_usd: 0.5}",
            "fee_rates: {native_price_usd: 0.5}", "rpc: {message_size: 1MiB}",
        "rpc: {streams_per_connection: 7}", "rpc: {accept_backlog: 7}", "rpc: {event_loops: 1}",
        "rpc: {keepalive_time: 3s}", "rpc: {keepalive_time: 0}", "rpc: {keepalive_timeout: 3s}",
        "rpc: {permitted_ping_interval: 3s}", "rpc: {pings_without_calls: true}", "rpc: {max_idle: 3s}",
        "rpc: {max_age: 3s}", "rpc: {max_age_grace: 3s}", "rpc: {reflection: true}", "rpc: {frame_log: true}",
        "limits: {profile: test}",
        "limits: {connections: 500}", "limits: {connections_per_address: 50}",
        "limits: {unauthenticated_per_address: {per_second: 9}}", "limits: {unauthenticated_per_address: {burst: 9}}",
        "limits: {sign_ins_per_address: {per_second: 9}}", "limits: {sign_ins_per_wallet: {burst: 9}}",
        "limits: {reads_per_caller: {burst: 9}}", "limits: {writes_per_caller: {burst: 9}}",
        "limits: {simulations_per_caller: {burst: 9}}", "limits: {reads_per_api_key: {burst: 9}}",
        "limits: {writes_per_api_key: {burst: 9}}", "limits: {simulations_per_api_key: {burst: 9}}",
            "admin_bind_address: 127.0.0.1:97", "apikey: {lifetime: 9d}",
            "limits: {notifications_per_operator: {burst: 9}}",
        "limits: {running_simulations_per_caller: 9}", "limits: {running_handlers: 9}",
        "limits: {running_handlers_per_caller: 9}", "limits: {waiting_calls: 9}", "limits: {tasks_per_owner: 9}",
            "limits: {wallets_per_owner: 9}", "limits: {secrets_per_owner: 9}", "limits: {secret_size: 1KiB}",
            "limits: {nodes_per_task: 9}", "limits: {edges_per_task: 9}",
        "limits: {nesting: 9}", "limits: {schedules_per_trigger: 9}", "limits: {addresses_per_query: 9}",
        "limits: {conditions_per_query: 9}", "limits: {queued_per_task: 9}", "limits: {queued_per_owner: 999}",
        "limits: {queued_in_all: 9999}", "limits: {loop_elements: 9}", "limits: {steps_per_execution: 9}",
            "limits: {journal_size: 2MiB}", "limits: {step_output_size: 1KiB}",
            "limits: {execution_record_size: 64KiB}", "limits: {page_rows: 9}", "limits: {page_size: 64KiB}",
        "store: {batch_max: 1MiB}", "store: {batch_updates_max: 9}", "store: {unsynced_max_age: 9ms}",
        "store: {commit_mark_interval: 9s}", "store: {block_cache: 1MiB}", "store: {write_buffer: 1MiB}",
        "disk: {soft: \"9%, 9GiB\"}", "disk: {hard: \"1%, 9MiB\"}", "disk: {ballast: 1MiB}", "dedup: {keep: 9d}",
            "dedup: {keep_per_task: 999}", "execution: {deadline: 9s}", "execution: {max_attempts: 9}",
            "effects: {blind_after_restart: retry}",
        "outbox: {first_retry: 9s}", "outbox: {longest_retry: 9m}", "outbox: {give_up_after: 9h}",
        "time: {catch_up: {skip: 99s}}", "time: {catch_up: {once: 99s}}", "clock: {jump: 9s}", "drain: {timeout: 9s}",
        "backup_dir: other", "backup: {backup_dir: other}", "backup: {interval_minutes: 9}", "backup: {keep: 9}",
        "script: {memory: 64MiB}", "script: {jit: true}", "script: {require_sandbox: false}", "script: {worker: w}",
        "script: {lodash: l.js}", "script: {workers: 3}", "script: {workers_per_owner: 1}",
    ])
    func wired(text: String) throws { #expect(try settings(text) != settings("")) }

    @Test("that is not given leaves the defaults of the specification", arguments: [
        "perSecond: 20", "burst: 10000", "percent: 5", "bytes: 2147483648", "maxConcurrentStreams: 100",
        "runningInAll: 512", "waiting: 256", "execution: 0.020000",
    ])
    func defaults(expected: String) throws { #expect(try settings("").contains(expected)) }

    @Test("LOG-6: reflection that is switched off stays off in development")
    func reflection() throws {
        #expect(try settings("environment: development").contains("offersReflection: true"))
        #expect(try settings("environment: development\nrpc: {reflection: false}").contains("offersReflection: false"))
        #expect(try settings("").contains("offersReflection: false"))
    }
}
