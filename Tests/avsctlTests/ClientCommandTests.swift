import AVSCrypto
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSTLS
import AVSTransport
import AVSWire
import Foundation
import Logging
import TestCertificates
import Testing

/// An aggregator with fixed answers, and a folder for the token.
private struct Fake {
    static let task = "01jg2fe5mdvkbpheg0peysdkac"
    static let execution = "01jg2fe5mdvkbpheg0peysdkad"
    static let wallet = "0x1111111111111111111111111111111111111111"

    let port: Int
    let folder: String

    /// Runs `avsctl` against it, on a thread that may block.
    func avsctl(_ arguments: String...) async throws -> Tool.Result {
        let key = String(repeating: "07", count: 32)
        let all = arguments + ["--server", "127.0.0.1:\(port)", "--token-file", "\(folder)/sub/token"]
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try Tool.run(all, environment: ["AVSCTL_PRIVATE_KEY": key]) })
            }
        }
    }

    func file(_ name: String, _ content: String) throws -> String {
        try content.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
        return "\(folder)/\(name)"
    }

    static func run(
        security: ConnectionSecurity = .plaintext, _ body: (Fake) async throws -> Void
    ) async throws {
        let folder = NSTemporaryDirectory() + "/avsctl-client-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { do { try FileManager.default.removeItem(atPath: folder) } catch { Issue.record(error) } }
        let listener = RPCServer.Listener(.tcp(host: "127.0.0.1", port: 0), security: security)
        let server = RPCServer(
            configuration: RPCServer.Configuration(listeners: [listener]), methods: try methods(), interceptors: [],
            time: SystemTime(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            try await body(Fake(port: server.boundPort, folder: folder))
            group.cancelAll()
        }
    }

    private static func methods() throws -> [RPCMethod] {
        let jwt = try JWT(secret: SharedSecret(try SecretBytes(copying: Array(repeating: 1, count: 32))))
        let owner = try SigningKey(bytes: Array(repeating: 7, count: 32)).address.checksummed
        let token = try jwt.sign(
            JWTClaims(issuer: "AvaProtocol", subject: owner, audience: ["31337"], expiresAt: 1_900_000_000))
        return [
            .unary(Wire.AggregatorMethods.getSignatureFormat) { request, _ in
                let lines = [
                    "Please sign the below text for ownership verification.", "", "URI: https://app.avaprotocol.org",
                    "Chain ID: 31337", "Version: 1", "Issued At: 2026-04-13T09:30:00.000Z",
                    "Expire At: 2026-04-15T09:30:00.000Z", "Wallet: \(request.wallet)",
                ]
                return .with { $0.message = lines.joined(separator: "\n") }
            },
            .unary(Wire.AggregatorMethods.getKey) { _, _ in .with { $0.key = token } },
            .unary(Wire.AggregatorMethods.listWallets) { _, call in
                guard call.metadata["authkey"] == token else { throw RPCStatus(.unauthenticated) }
                return .with {
                    $0.items = [
                        .with {
                            $0.address = wallet
                            $0.salt = "0"
                        }
                    ]
                }
            },
            .unary(Wire.AggregatorMethods.createTask) { request, _ in
                #expect(request.inputVariables["settings"]?["runner"] == .string(wallet))
                #expect(request.trigger?.type == .manual)
                return .with { $0.id = task }
            },
            .unary(Wire.AggregatorMethods.getTask) { request, _ in
                var wire = Wire.Task.with {
                    $0.id = request.id
                    $0.owner = wallet
                    $0.smartWalletAddress = wallet
                    $0.name = "two\nlines"
                }
                wire.trigger = Wire.TaskTrigger(
                    Trigger(id: "start", name: "start", config: .cron(CronTrigger(schedules: ["@hourly"]))))
                return wire
            },
            .unary(Wire.AggregatorMethods.triggerTask) { request, _ in
                #expect(request.triggerType == .cron && request.isBlocking)
                return .with {
                    $0.executionId = execution
                    $0.status = .failed
                    $0.error = "1 of 2 steps failed"
                }
            },
            .unary(Wire.AggregatorMethods.getExecutionStatus) { _, _ in throw RPCStatus(.deadlineExceeded, "too slow")
            },
            .unary(Wire.AggregatorMethods.getNonce) { _, _ in
                var status = RPCStatus(.resourceExhausted, "too many unauthenticated calls per address")
                try status.metadata.add("grpc-retry-pushback-ms", "60000")
                throw status
            },
            .unary(Wire.AggregatorMethods.createSecret) { request, call in
                #expect(call.metadata["idempotency-key"]?.count == 32)
                return .with { $0.status = request.secret == "first" ? "created" : "updated" }
            },
            .unary(Wire.AggregatorMethods.deleteSecret) { _, _ in .with { $0.status = "not_found" } },
            .unary(Wire.AggregatorMethods.getTokenMetadata) { _, _ in
                .with {
                    $0.found = true
                    $0.source = "whitelist"
                    $0.token = .with {
                        $0.id = wallet
                        $0.name = "USD Coin"
                        $0.symbol = "USDC"
                        $0.decimals = 6
                    }
                }
            },
            .unary(Wire.AggregatorMethods.withdrawFunds) { request, call in
                #expect(call.metadata["idempotency-key"] == "rent")
                #expect(request.amount == "max" && request.token == "ETH")
                return .with {
                    $0.success = true
                    $0.status = "pending"
                    $0.userOpHash = "0x" + String(repeating: "ab", count: 32)
                }
            },
            .unary(Wire.AggregatorMethods.listTasks) { request, _ in
                let start = Int(request.after) ?? 0
                return .with {
                    $0.items = (start..<min(start + Int(request.limit), 5)).map { number -> Wire.Task in
                        var item = Wire.Task.with {
                            $0.id = "01jg2fe5mdvkbpheg0peysdka\(number)"
                            $0.owner = wallet
                            $0.smartWalletAddress = wallet
                            $0.name = "Heat \(number)"
                        }
                        item.trigger = Wire.TaskTrigger(
                            Trigger(id: "s", name: "s", config: .manual(ManualTrigger(language: .json))))
                        return item
                    }
                    $0.pageInfo = .with {
                        $0.endCursor = "\(start + Int(request.limit))"
                        $0.hasNextPage = start + Int(request.limit) < 5
                    }
                }
            },
            .unary(Wire.AggregatorMethods.deleteTask) { _, _ in
                .with {
                    $0.status = "not_found"
                    $0.message = "Task not found"
                }
            },
        ]
    }
}

@Suite("avsctl as a client")
struct ClientCommandTests {
    @Test("signs in, keeps the token to its owner, and uses it")
    func login() async throws {
        try await Fake.run { fake in
            let before = try await fake.avsctl("wallets", "list")
            #expect(before.code == 78 && before.notes.contains("avsctl login"))
            let login = try await fake.avsctl("login")
            #expect(login.code == 0 && login.lines.contains("until   2030-03-17T17:46:40.000Z"))
            let path = "\(fake.folder)/sub/token"
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let list = try await fake.avsctl("wallets", "list")
            #expect(list.lines.map { $0.split(separator: " ").joined(separator: " ") } == [
                "WALLET SALT STATE", "0x1111111111111111111111111111111111111111 0 shown",
            ])
            #expect(list.notes.isEmpty)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
            let exposed = try await fake.avsctl("wallets", "list")
            #expect(exposed.code == 78 && exposed.notes.contains("0600"))
        }
    }

    @Test("does not send a token to another server")
    func otherServer() async throws {
        try await Fake.run { fake in
            _ = try await fake.avsctl("login")
            let other = Fake(port: fake.port == 1 ? 2 : 1, folder: fake.folder)
            let result = try await other.avsctl("wallets", "list")
            #expect(result.code == 78 && result.notes.contains("log in"))
        }
    }

    @Test("speaks TLS, and only with a server that its certificates vouch for")
    func tls() async throws {
        let (authority, stranger) = (try TestAuthority(), try TestAuthority("Stranger"))
        let issued = try authority.issue(names: "IP:127.0.0.1")
        let credential = try TLSCredential(certificateChainPEM: issued.chainPEM, privateKeyPEM: issued.keyPEM)
        let context = try TLSContext(server: TLSServerConfiguration(credential: credential))
        try await Fake.run(security: .tls(TLSSecurity(context))) { fake in
            let own = try fake.file("own.pem", String(decoding: authority.certificatePEM, as: UTF8.self))
            let foreign = try fake.file("foreign.pem", String(decoding: stranger.certificatePEM, as: UTF8.self))
            #expect(try await fake.avsctl("login", "--tls-ca", foreign).code == 69)
            #expect(try await fake.avsctl("login").code == 69)
            let login = try await fake.avsctl("login", "--tls-ca", own)
            #expect(login.code == 0, "\(login.notes)")
        }
    }

    @Test("creates a task from a file, and shows one on the lines that it says")
    func tasks() async throws {
        try await Fake.run { fake in
            _ = try await fake.avsctl("login")
            let file = try fake.file(
                "task.json",
                """
                {"name": "Heat", "smartWalletAddress": "\(Fake.wallet)",
                 "trigger": {"id": "start", "name": "start", "manual": {"config": {"lang": "LANG_JSON"}}},
                 "nodes": [{"id": "n", "name": "n", "restApi": {"config": {"url": "https://a.example"}}}],
                 "edges": [{"id": "e", "source": "start", "target": "n"}]}
                """)
            let created = try await fake.avsctl("tasks", "create", "-f", file)
            #expect(created.output == "\(Fake.task)\n", "\(created.notes)")
            let shown = try await fake.avsctl("tasks", "get", Fake.task)
            #expect(shown.lines.contains("name      two lines"))
            #expect(shown.lines.contains("deadline  as the aggregator sets it for a run"))
            let json = try JSONValue(parsing: try await fake.avsctl("tasks", "get", Fake.task, "--json").output)
            #expect(json["name"] == "two\nlines" && json["status"] == "Enabled")
            #expect(json["trigger"]?["cron"]?["config"]?["schedules"] == ["@hourly"])
        }
    }

    @Test("says in its exit code what happened")
    func codes() async throws {
        try await Fake.run { fake in
            _ = try await fake.avsctl("login")
            let deleted = try await fake.avsctl("tasks", "delete", Fake.task)
            let hint = "avsctl: hint: `avsctl tasks list` shows the tasks that there are\n"
            #expect(deleted.code == 1 && deleted.notes == "avsctl: NOT_FOUND (2000): Task not found\n" + hint)
            #expect(deleted.output.isEmpty)
            let run = try await fake.avsctl("tasks", "trigger", Fake.task, "--wait")
            #expect(run.code == 1 && run.output == "\(Fake.execution) failed 1 of 2 steps failed\n")
            #expect(try await fake.avsctl("executions", "status", Fake.task, Fake.execution).code == 69)
            #expect(try await fake.avsctl("tasks", "get", "no-id").code == 64)
            let file = try fake.file("bad.json", #"{"nodes":[{"id":1}]}"#)
            let bad = try await fake.avsctl("tasks", "create", "-f", file)
            #expect(bad.code == 64 && bad.notes.contains("nodes[0].id: wanted a text"))
        }
    }

    @Test("says who is logged in, and forgets it")
    func session() async throws {
        try await Fake.run { fake in
            #expect(try await fake.avsctl("whoami").code == 78)
            let key = try fake.file("key", String(repeating: "07", count: 32) + "\n")
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
            #expect(try await fake.avsctl("login", "--key-file", key).notes.contains("0600"))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
            let login = try await fake.avsctl("login", "--key-file", key)
            #expect(try await fake.avsctl("whoami").output == login.output)
            #expect(try await fake.avsctl("logout").code == 0)
            #expect(!FileManager.default.fileExists(atPath: "\(fake.folder)/sub/token"))
            let again = try await fake.avsctl("logout")
            #expect(again.code == 0 && again.notes.contains("nobody"))
        }
    }

    @Test("stores secrets from files and shows no value")
    func secrets() async throws {
        try await Fake.run { fake in
            _ = try await fake.avsctl("login")
            let file = try fake.file("value", "first\n")
            #expect(try await fake.avsctl("secrets", "set", "token", "--file", file).output == "token created\n")
            let exact = try await fake.avsctl("secrets", "set", "token", "--file", file, "--exact", "--json")
            #expect(try JSONValue(parsing: exact.output)["status"] == "updated")
            #expect(try await fake.avsctl("secrets", "set", "ap_token", "--file", file).code == 64)
            let gone = try await fake.avsctl("secrets", "delete", "token")
            #expect(gone.code == 1 && gone.output.isEmpty && gone.notes.contains("hint: `avsctl secrets list`"))
        }
    }

    @Test("tells what a token is called, and what was sent")
    func tokenAndWithdrawal() async throws {
        try await Fake.run { fake in
            _ = try await fake.avsctl("login")
            let token = try await fake.avsctl("token", "metadata", Fake.wallet)
            #expect(token.lines.contains("symbol    USDC") && token.lines.contains("decimals  6"))
            let sent = try await fake.avsctl(
                "wallets", "withdraw", Fake.wallet, "--to", Fake.wallet, "--amount", "max", "--json",
                "--idempotency-key", "rent")
            #expect(try JSONValue(parsing: sent.output)["status"] == "pending", "\(sent.notes)")
            let zero = try await fake.avsctl(
                "wallets", "withdraw", Fake.wallet, "--to", Fake.wallet, "--amount", "0")
            #expect(zero.code == 64)
        }
    }

    @Test("shows as much of a list as it is asked for, in columns, and says when there is more", arguments: [1, 3, 5])
    func lists(limit: Int) async throws {
        try await Fake.run { fake in
            _ = try await fake.avsctl("login")
            let list = try await fake.avsctl("tasks", "list", "--limit", "\(limit)", "--wallet", Fake.wallet)
            #expect(list.lines.count == limit + 1 && list.code == 0)
            #expect(list.lines.last?.hasSuffix("Enabled  manual   0     Heat \(limit - 1)") == true)
            #expect(list.notes.contains("there are more") == (limit < 5))
        }
    }

    @Test("says when there is room again")
    func later() async throws {
        try await Fake.run { fake in
            let nonce = try await fake.avsctl("wallets", "nonce", Fake.wallet)
            #expect(nonce.code == 75 && nonce.notes.contains("there is room again in 61 s"))
        }
    }

    @Test(
        "teaches with an example",
        arguments: [
            "login", "logout", "whoami", "tasks create", "tasks simulate", "tasks trigger", "executions get",
            "executions show",
            "wallets hide", "wallets withdraw", "secrets set", "secrets list", "secrets delete", "count",
            "token metadata", "fees estimate",
        ])
    func help(command: String) throws {
        let result = try Tool.run(command.split(separator: " ").map(String.init) + ["--help"])
        #expect(result.code == 0 && result.output.contains("avsctl \(command)"))
        #expect(result.output.contains("Example:"))
    }
}
