import AVSCrypto
import AVSPrimitives
import Testing

@testable import AVSConfiguration

@Suite("Rules between keys")
struct RuleTests {
    private func read(_ text: String, facts: ProcessFacts = facts) throws -> AggregatorConfiguration {
        try AggregatorConfiguration.read(Array(text.utf8), file: "c.yaml", facts: facts).value
    }

    @Test("design 9: the documented example is read")
    func example() throws {
        let value = try read(AggregatorExample.text)
        #expect(value.chains.map(\.id) == [31_337])
        #expect(value.chains[0].webSocketURL?.text == "ws://127.0.0.1:8545")
        #expect(value.httpAddress == HostPort(loopbackPort: 1_323))
        #expect(value.log == LogConfiguration(level: .debug, format: .text))
        #expect(!value.script.requiresSandbox && value.rpc.hasReflection)
        #expect(try warnings(AggregatorExample.text) == [])
    }

    @Test("aggregator-api 9.6: the reference's file is read, its one chain as a list of one")
    func reference() throws {
        let value = try read(AggregatorExample.reference)
        #expect(value.chains.count == 1 && value.chains[0].isDefault && value.chains[0].id == nil)
        #expect(value.chains[0].rpcURLs.map(\.text) == ["https://sepolia.example/v2/key"])
        #expect(value.controller.privateKey?.exposed.hasPrefix("fedcba") == true)
        #expect(value.limits.walletsPerOwner == 2_000)
        #expect(value.fees.executionFee == DecimalAmount(millionths: 0))
        #expect(value.smartWallet == nil)
        let found = try warnings(AggregatorExample.reference)
        for key in ["ecdsa_private_key", "smart_wallet.controller_private_key"] {
            #expect(found.contains { $0.contains(": \(key): ") }, "\(key)")
        }
        #expect(!found.contains { $0.contains("fedcba") })
    }

    @Test("KMS-8: a private key in the file is warned of, and the keystore command named")
    func privateKeyWarning() throws {
        let key = String(repeating: "ab", count: 32)
        let found = try warnings(good + "controller: {private_key: \(key)}\n")
        #expect(
            found == [
                "c.yaml:7:27: controller.private_key: a private key in a configuration: prefer a keystore, made by "
                    + "`avs-operator keys import`"
            ])
    }

    @Test(
        "are refused where broken",
        arguments: [
            ("smart_wallet: {eth_rpc_url: http://a}", "smart_wallet: and `chains` are both given"),
            ("admin_bind_address: 0.0.0.0:1", "admin_bind_address: `0.0.0.0:1` is not reachable"),
            ("rpc_bind_address: 127.0.0.1:2207", "admin_bind_address: `127.0.0.1:2207` is also `rpc_bind_address`"),
            ("http_bind_address: 127.0.0.1:2206", "http_bind_address: `127.0.0.1:2206` is also `rpc_bind_address`"),
            ("keys_dir: data/db/../db/keys", "keys_dir: `data/db/../db/keys` is inside `db_path`"),
            ("backup_dir: ./data/db", "backup_dir: `./data/db` is inside `db_path`"),
            ("backup: {backup_dir: data/db/b}", "backup.backup_dir: `data/db/b` is inside `db_path`"),
            ("tls: {certificate: a}", "tls.key: is missing"),
            ("tls: {key: a}", "tls.certificate: is missing"),
            ("tls: {certificate: a, key: b, mode: require}", "tls.mode: `require` needs `client_ca`"),
            ("tls: {mode: request, client_ca: a}", "tls.mode: `request` needs `certificate` and `key`"),
            ("fetch: {allow: [127.0.0.1:80]}", "fetch.allow: lets tasks reach private addresses"),
            ("queue: {workers: 2, workers_per_owner: 3}", "queue.workers_per_owner: `3` is above `workers`"),
            ("disk: {soft: \"1%, 4GiB\"}", "disk.hard: `2%, 512MiB` is above `soft`"),
            ("jwt_secret_previous: short", "jwt_secret_previous: has 5 bytes: in production wanted at least 16"),
            ("jwt_secret_previous: \"\"", "jwt_secret_previous: is empty"),
            ("notifications: {summary: {enabled: true}}", "notifications.summary.api_endpoint: is missing"),
            (
                "controller: {keystore_path: a, private_key: \(String(repeating: "1", count: 64))}",
                "controller.private_key: and"
            ),
            ("limits: {queued_per_task: 1001}", "limits.queued_per_task: `1001` is above `queued_per_owner`"),
            (
                "store: {batch_max: 64KiB}\nlimits: {queued_per_task: 513}",
                "limits.queued_per_task: `513` jobs cannot be deleted in one update of 65536 bytes: wanted at most 512"
            ),
            ("outbox: {first_retry: 1h, longest_retry: 1s}", "outbox.first_retry: `1h` is above `longest_retry`"),
            ("drain: {total_timeout: 10s}", "drain.timeout: `30s` is above `total_timeout`"),
        ])
    func broken(line: String, problem: String) {
        let found = problems(good + line)
        let wanted = problem.replacing("is not reachable", with: "can be reached by others")
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.contains(wanted) == true, "\(found)")
    }

    @Test(
        "of chains: several need distinct ids and one default",
        arguments: [
            ("- {rpc_urls: [http://a]}\n- {id: 2, default: true, rpc_urls: [http://a]}", ["chains[0].id: is missing"]),
            (
                "- {id: 2, rpc_urls: [http://a]}\n- {id: 2, default: true, rpc_urls: [http://b]}",
                ["chains[1].id: `2` is also"]
            ),
            ("- {id: 1, rpc_urls: [http://a]}\n- {id: 2, rpc_urls: [http://b]}", ["chains: none of 2 chains"]),
            (
                "- {id: 1, default: true, rpc_urls: [http://a]}\n- {id: 2, default: true, rpc_urls: [http://b]}",
                ["chains[1].default: [0] is the default"]
            ),
            ("- {rpc_urls: [http://a]}", []),
            ("- {id: 1, default: true, rpc_urls: [http://a]}\n- {id: 2, rpc_urls: [http://b]}", []),
        ])
    func chains(list: String, expected: [String]) {
        let found = problems("db_path: a\njwt_secret: 0123456789abcdef0123456789abcdef\nchains:\n\(list)\n")
        #expect(found.count == expected.count)
        for (problem, part) in zip(found, expected) { #expect(problem.contains(part)) }
    }

    @Test(
        "JWT-5: the secret's length counts",
        arguments: [
            (0, "production", "is empty"), (0, "development", "is empty"),
            (1, "production", "has 1 bytes: in production"),
            (15, "production", "has 15 bytes: in production wanted at least 16"), (15, "development", nil),
            (16, "production", nil), (31, "production", nil), (32, "production", nil),
        ])
    func secretLength(count: Int, environment: String, problem: String?) throws {
        let text =
            good.replacing("0123456789abcdef0123456789abcdef", with: "\"\(String(repeating: "x", count: count))\"")
            + "environment: \(environment)\n"
        let found = problems(text)
        #expect(found.count == (problem == nil ? 0 : 1))
        if let problem { #expect(found.first?.contains("2:13: jwt_secret: \(problem)") == true, "\(found)") }
        guard problem == nil else { return }
        #expect(try warnings(text).contains { $0.contains("advised are at least 32") } == (count < 32))
    }

    @Test("SSRF-10: private addresses may be reached in development, or where the command line says so too")
    func privateFetch() throws {
        let text = good + "fetch: {allow: [127.0.0.1:80]}\n"
        #expect(problems(text + "environment: development\n") == [])
        var allowing = facts
        allowing.allowsPrivateFetch = true
        #expect(try read(text, facts: allowing).fetch.allowed == [HostPort(loopbackPort: 80)])
    }

    @Test("EE-5.5.3: requests are answered here in development only")
    func mockHost() throws {
        let text = good + "fetch: {mock_host: true}\n"
        #expect(try read(text + "environment: development\n").fetch.hasMockHost)
        #expect(problems(text).contains { $0.contains("fetch.mock_host: answers requests that nobody got") })
    }

    @Test("leave what the environment decides to the file", arguments: ["production", "development"])
    func explicitBeatsEnvironment(environment: String) throws {
        let value = try read(
            good + """
                environment: \(environment)
                log: {level: error, format: json}
                script: {require_sandbox: true}
                rpc: {reflection: false}

                """)
        #expect(value.log == LogConfiguration(level: .error, format: .json))
        #expect(value.script.requiresSandbox && !value.rpc.hasReflection)
    }

    @Test("warn of what others can reach in production")
    func exposure() throws {
        let found = try warnings(good + "rpc_bind_address: :1\nhttp_bind_address: :2\noperator_auth: off\n")
        #expect(
            found.map { $0.split(separator: ": ")[1] } == ["rpc_bind_address", "http_bind_address", "operator_auth"])
        let quiet = good + "rpc_bind_address: :1\ntls: {certificate: c, key: k}\n"
        #expect(try warnings(quiet) == [])
    }

    @Test("take the price service's key from the environment where the file has none")
    func moralis() throws {
        var given = facts
        given.variables[.moralisKey] = Sensitive("from the environment")
        #expect(try read(good, facts: given).external.moralisAPIKey?.exposed == "from the environment")
        #expect(try read(good + "moralis_api_key: mine\n", facts: given).external.moralisAPIKey?.exposed == "mine")
        #expect(try read(good).external.moralisAPIKey == nil)
    }

    @Test("of wallets: the reference's key takes 0 and less for the default")
    func wallets() throws {
        let old = "db_path: a\njwt_secret: 0123456789abcdef0123456789abcdef\nsmart_wallet: {eth_rpc_url: http://a, "
        #expect(try read(old + "max_wallets_per_owner: -3}").limits.walletsPerOwner == 5)
        #expect(try read(old + "max_wallets_per_owner: 9}").limits.walletsPerOwner == 9)
        #expect(problems(old + "max_wallets_per_owner: 9}\nlimits: {wallets_per_owner: 8}\n").count == 1)
        #expect(
            problems(
                old + "controller_private_key: \(String(repeating: "1", count: 64))}\ncontroller: "
                    + "{keystore_path: x}\n"
            ).count == 1)
    }

    @Test("know the contracts of the public network")
    func contracts() {
        let all = [StandardContracts.entryPoint, StandardContracts.factory, StandardContracts.paymaster]
        #expect(!(all + StandardContracts.approvedOperators).contains(.zero))
        #expect(StandardContracts.approvedOperators.count == 3)
    }
}

@Suite("The configuration that --print-config shows")
struct PrintTests {
    @Test("HRD-5: has no secret in it")
    func redacted() throws {
        let value = try AggregatorConfiguration.read(
            Array(AggregatorExample.reference.utf8), file: "c", facts: facts
        ).value
        let printed = try value.printed()
        for secret in [
            "0123456789abcdef", "fedcba", "longer than 32", "/v2/key", "apikey=", "simulator-key", "price-key", "123:",
        ] {
            #expect(!printed.contains(secret), "\(secret)")
        }
        #expect(printed.contains("jwt_secret: \"•••\"\n"))
        #expect(printed.contains("- \"https://sepolia.example/•••\"\n"))
        #expect(printed.contains("slack_channel"))
        #expect(!"\(value)".contains("fedcba") && !String(reflecting: value).contains("longer than"))
    }

    @Test("is not taken for a configuration to run with")
    func marksAreRefused() throws {
        let value = try AggregatorConfiguration.read(Array(good.utf8), file: "c", facts: facts).value
        let found = problems(try value.printed())
        #expect(found.count == 1)
        #expect(found.first?.contains("jwt_secret: the value is not allowed: wanted a secret text") == true, "\(found)")
    }
}

@Suite("An operator's configuration")
struct OperatorRuleTests {
    private let minimum = """
        operator_address: 0x997e5d40a32c44a3d93e59fc55c4fd20b7d2d49d
        db_path: data
        aggregator_server_ip_port_address: 127.0.0.1:2206

        """

    private func read(_ text: String) throws -> LoadedConfiguration<OperatorConfiguration> {
        try OperatorConfiguration.read(Array((minimum + text).utf8), file: "o.yaml", facts: facts)
    }

    @Test("aggregator-api 9.7: the reference's file is read")
    func reference() throws {
        let loaded = try read(
            """
            production: true
            ecdsa_private_key_store_path: keys/ecdsa.json
            bls_private_key_store_path: keys/bls.json
            avs_registry_coordinator_address: 0x8DE3Ee0dE880161Aa0CD8Bf9F8F6a7AfEeB9A44B
            operator_state_retriever_address: 0xb3af70D5f72C04D1f490ff49e5aB189fA7122713
            eth_rpc_url: https://mainnet.example/key
            eth_ws_url: wss://mainnet.example/key
            target_chain:
              eth_rpc_url: https://base.example/key
              eth_ws_url: wss://base.example/key
            eigen_metrics_ip_port_address: 0.0.0.0:9090
            enable_metrics: true
            node_api_ip_port_address: 0.0.0.0:9010
            enable_node_api: true
            sentry_dsn: ""
            server_name: ""
            enabled_features: {event_trigger: true}
            event_safety: {max_total_events_per_block: 1000, max_events_per_query_per_block: 100}

            """)
        #expect(loaded.value.environment == .production)
        #expect(loaded.value.chains.map { $0.rpcURLs.map(\.text) } == [["https://base.example/key"]])
        #expect(loaded.value.chains[0].webSocketURL?.text == "wss://base.example/key")
        #expect(loaded.value.features.watchesEvents)
    }

    @Test("watches the registry's chain where no other is named")
    func sameChain() throws {
        let value = try read("eth_rpc_url: http://a/\neth_ws_url: ws://a/\n").value
        #expect(value.chains.map { $0.rpcURLs.map(\.text) } == [["http://a/"]])
        #expect(value.chains[0].webSocketURL?.text == "ws://a/")
    }

    @Test(
        "is refused where its rules are broken",
        arguments: [
            ("", "chains: is missing"),
            ("chains: [{rpc_urls: [http://a]}]\ntarget_chain: {}", "target_chain: and `chains`"),
            ("eth_rpc_url: http://a\nenable_metrics: true", "eigen_metrics_ip_port_address: is missing"),
            ("eth_rpc_url: http://a\nenable_node_api: true", "node_api_ip_port_address: is missing"),
            ("eth_rpc_url: http://a\nproduction: false\nenvironment: production", "production: `false` contradicts"),
            ("eth_rpc_url: http://a\naggregator_tls: {ca: x}", "aggregator_tls.enabled: is false"),
            (
                "eth_rpc_url: http://a\naggregator_tls: {enabled: true, key: x}",
                "aggregator_tls.certificate: is missing"
            ),
            ("eth_rpc_url: http://a\nbls_remote_signer: {grpc_url: x}", "bls_remote_signer.public_key: is missing"),
            (
                "eth_rpc_url: http://a\nbls_private_key_store_path: x\nbls_remote_signer: {grpc_url: x, public_key: y}",
                "bls_remote_signer: and `bls_private_key_store_path`"
            ),
            (
                """
                eth_rpc_url: http://a
                enable_metrics: true
                enable_node_api: true
                eigen_metrics_ip_port_address: :1
                node_api_ip_port_address: 0.0.0.0:1
                """, "node_api_ip_port_address: is also"
            ),
        ])
    func broken(text: String, problem: String) {
        let error = #expect(throws: ConfigurationError.self) { _ = try read(text) }
        #expect(error?.problems.count == 1)
        #expect(error?.description.contains(problem) == true, "\(String(describing: error))")
    }

    @Test("gets its key from the keystore with a password, or from the environment")
    func signingKey() throws {
        let key = String(repeating: "ab", count: 32)
        let bare = try read("eth_rpc_url: http://a\n").value
        var given = facts
        #expect(throws: ConfigurationError.self) { try bare.signingKey(facts) }
        given.variables[.operatorKey] = Sensitive("nonsense")
        #expect(throws: ConfigurationError.self) { try bare.signingKey(given) }
        given.variables[.operatorKey] = Sensitive(key)
        #expect(try bare.signingKey(given) == .privateKey(Sensitive(key)))

        let stored = try read("eth_rpc_url: http://a\necdsa_private_key_store_path: k.json\n").value
        #expect(throws: ConfigurationError.self) { try stored.signingKey(given) }
        given.variables[.operatorPassword] = Sensitive("word")
        #expect(try stored.signingKey(given) == .keystore(path: "k.json", password: Sensitive("word")))
    }

    @Test(
        "reports the public metrics port, else its own, else 8080",
        arguments: [
            ("9100", "1.2.3.4:9090", 9_100), ("x", "1.2.3.4:9090", 8_080), (nil, "1.2.3.4:9090", 9_090),
            (nil, nil, 8_080),
            ("", "1.2.3.4:9090", 9_090), ("70000", nil, 8_080),
        ] as [(String?, String?, UInt16)])
    func metricsPort(variable: String?, address: String?, expected: UInt16) throws {
        var value = try read("eth_rpc_url: http://a\n").value
        value.metricsAddress = address.flatMap { HostPort($0) }
        var given = facts
        given.variables[.publicMetricsPort] = variable.map { Sensitive($0) }
        #expect(value.reportedMetricsPort(given) == expected)
    }
}

extension LogConfiguration {
    init(level: Level, format: Format) {
        self.init()
        self.level = level
        self.format = format
    }
}
