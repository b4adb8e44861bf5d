import AVSCrypto
import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSStorage
import AVSTesting
import AVSWorkflow
import Logging
import Synchronization
import Testing

@testable import AVSServer

/// What a logger was told, as one text.
private final class NotedLog: Sendable {
    private let lines = Mutex<[String]>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }
    var logger: Logger { Logger(label: "test") { [self] _ in Handler(log: self) } }

    private struct Handler: LogHandler {
        let log: NotedLog
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            log.lines.withLock { $0.append("\(event.level) \(event.message) \(event.metadata ?? [:])") }
        }
    }
}

/// Tokens, keys and the interceptors that look at them, over a store in memory.
private struct Access {
    static let account = ServerHarness.owner
    static let boss = Administrator(name: "key 0", origin: "127.0.0.1:9")

    let store: any KeyValueStore
    let time = ManualTime()
    let log = NotedLog()
    let engine: TaskEngine
    var authority: TokenAuthority
    let gate: CallGate

    init(store: any KeyValueStore = MemoryStore(), limits: CallLimits = CallLimits().withoutRates) throws {
        self.store = store
        let harness = try ServerHarness(store: store)
        engine = TaskEngine(
            store: store, configuration: harness.engine.configuration, runner: NoRunner(), epoch: 1, time: time,
            random: SeededGenerator(seed: 7), logger: log.logger)
        let tokens = try JWT(secret: SharedSecret(try SecretBytes(copying: Array(repeating: 7, count: 32))))
        authority = TokenAuthority(tokens: tokens, chainID: 31_337, version: "1", maximumLifetime: nil)
        authority.keys = engine.apiKeys
        gate = CallGate(limits, anonymous: Services.anonymousPaths(HealthBoard(), nil), time: time)
        try engine.apiKeys.load()
    }

    var handlers: AdminHandlers {
        AdminHandlers(
            engine: engine, authority: authority, backups: nil, keyLifetime: .seconds(90 * 86_400), time: time,
            logger: log.logger)
    }

    func admin<Input, Output>(
        _ method: ProtoMethod<Input, Output>, _ set: (inout Input) throws -> Void = { _ in }
    ) async throws -> Output {
        let path = MethodPath(service: method.service, method: method.name)
        let found = try #require(handlers.methods.first { $0.path == path })
        guard case .unary(let respond) = found.handler else { throw RPCStatus(.internal, "not unary") }
        var context = CallContext(method: path, kind: .unary, peer: Peer(address: "127.0.0.1:9"), receivedAt: time.now)
        context[AdminCaller.self] = Self.boss
        return try Output(serialized: try await respond(Input.with(set).serialized(), context))
    }

    func newKey(
        _ scopes: Wire.ApiScope..., account: Address? = account, lifetime: Int64 = 0
    ) async throws -> (key: Wire.ApiKey, token: String) {
        let answer = try await admin(Wire.AdminMethods.createApiKey) {
            $0.name = "test"
            $0.account = account?.checksummed ?? ""
            $0.scopes = scopes
            $0.lifetimeSeconds = lifetime
        }
        return (try #require(answer.key), answer.token)
    }

    /// A token of our making with these claims.
    func token(
        subject: String? = nil, roles: [String] = [], id: String? = nil, keyID: String? = nil
    ) throws -> String {
        try authority.tokens.sign(
            JWTClaims(
                subject: subject ?? Self.account.checksummed, audience: ["31337"],
                expiresAt: time.now.adding(.seconds(3_600)).seconds, roles: roles, id: id, keyID: keyID))
    }

    /// How the interceptors of `path`'s listener answer a call with this token; `nil` lets it pass.
    func refusal(_ path: String, _ token: String?) async throws -> RPCStatus? {
        var metadata = Metadata()
        if let token { try metadata.add("authkey", token) }
        var call = CallContext(
            method: try #require(MethodPath(path)), kind: .unary, peer: Peer(address: "127.0.0.1:9"),
            metadata: metadata,
            receivedAt: time.now)
        let interceptors: [any ServerInterceptor] =
            call.method.service == AdminListener.service
            ? [AdminAuthenticator(authority: authority, anonymous: [], gate: gate, time: time)]
            : [
                Authenticator(
                    authority: authority, operators: OperatorAuthentication(),
                    anonymous: Services.anonymousPaths(HealthBoard(), nil), gate: gate, time: time), gate,
            ]
        do {
            for interceptor in interceptors { try await interceptor.admit(&call) }
            for interceptor in interceptors { interceptor.ended(call, with: .ok) }
            return nil
        } catch {
            return RPCStatus(answering: error)
        }
    }
}

@Suite("An API key")
struct APIKeyTests {
    private static let users = Wire.AggregatorMethods.all.map(\.path)
    private static let admins = Wire.AdminMethods.all.map(\.path)
    private static let anonymous = Services.anonymousPaths(HealthBoard(), nil)

    @Test("T03, T48: of one scope opens exactly what that scope is for: every rpc × every scope")
    func matrix() async throws {
        #expect(Self.users.count == 29)
        let access = try Access()
        let tokens: [APIScope: String] = [
            .read: try await access.newKey(.read).token, .write: try await access.newKey(.write).token,
            .admin: try await access.newKey(.admin).token, .node: try await access.newKey(.operator).token,
        ]
        for path in Self.users + Self.admins + Wire.NodeMethods.all.map(\.path) {
            for (scope, token) in tokens {
                let refusal = try await access.refusal(path, token)
                #expect(refusal?.code == expected(path, scope), "\(path) with \(scope): \(String(describing: refusal))")
            }
        }
    }

    /// By hand, not by the table of the code: reads are what their names say.
    private func expected(_ path: String, _ scope: APIScope) -> RPCCode? {
        let method = path.split(separator: "/").last.map(String.init) ?? ""
        if Self.anonymous.contains(path) { return nil }
        if path.hasPrefix("/aggregator.Node/") { return .unauthenticated }
        if path.hasPrefix("/aggregator.Admin/") {
            let isOpen =
                scope == .admin || scope == .node && method.hasSuffix("Operators")
                || scope == .node && method == "DisconnectOperator"
            return isOpen ? nil : .permissionDenied
        }
        let reads =
            (method.hasPrefix("Get") || method.hasPrefix("List") || method == "EstimateFees") && method != "GetWallet"
        return scope == (reads ? .read : .write) ? nil : .permissionDenied
    }

    @Test("T03: is all that opens the admin service: every admin rpc × every kind of token")
    func adminTokens() async throws {
        let access = try Access()
        let foreign = try JWT(secret: SharedSecret(try SecretBytes(copying: Array(repeating: 8, count: 32))))
        let claims = JWTClaims(subject: "apikey", expiresAt: .max >> 12, roles: ["admin"])
        let kinds: [(String?, RPCCode?)] = [
            (nil, .unauthenticated), ("", .unauthenticated), ("a.b.c", .unauthenticated),
            (try access.token(), .permissionDenied), (try access.token(roles: ["readonly"]), .permissionDenied),
            (try access.token(roles: ["Admin", "administrator"]), .permissionDenied),
            (try foreign.sign(claims), .unauthenticated), (try access.token(subject: "apikey", roles: ["admin"]), nil),
            (try access.token(roles: ["admin"]), nil),
            (try access.token(roles: ["admin"], id: "\(access.engine.apiKeys.newID())"), .unauthenticated),
            (try access.token(roles: ["admin"], keyID: "\(access.engine.apiKeys.newID())"), .unauthenticated),
        ]
        for path in Self.admins {
            for (index, (token, code)) in kinds.enumerated() {
                #expect(try await access.refusal(path, token)?.code == code, "\(path), kind \(index)")
            }
        }
    }

    @Test("T48: that is revoked fails at once, also after a restart; so do the tokens that were made with it")
    func revoked() async throws {
        let access = try Access()
        let key = try await access.newKey(.read, .write)
        let path = Wire.AggregatorMethods.getTask.path
        let message = access.authority.proposal(wallet: Access.account.checksummed, now: access.time.now)
        let minted = try access.authority.grant(message: message, signature: key.token, now: access.time.now).token
        let refreshed = try access.authority.grant(message: message, signature: minted, now: access.time.now).token
        for token in [key.token, minted, refreshed] { #expect(try await access.refusal(path, token) == nil) }
        let revoked = try await access.admin(Wire.AdminMethods.revokeApiKey) { $0.which = .id(key.key.id) }
        #expect(revoked.state == "revoked" && revoked.revokedAt != 0)
        for access in [access, try Access(store: access.store)] {
            for token in [key.token, minted, refreshed] {
                let refusal = try await access.refusal(path, token)
                #expect(refusal?.code == .unauthenticated && refusal?.message.contains("revoked") == true)
                #expect(throws: RPCStatus.self) {
                    try access.authority.grant(message: message, signature: token, now: access.time.now)
                }
            }
        }
    }

    @Test("JWT-7: a token without a record is revoked by its text, and stays so until it expires")
    func unrecorded() async throws {
        let access = try Access()
        let token = try access.token(roles: ["admin"])
        let other = try access.token(roles: ["admin", "other"])
        let path = Wire.AdminMethods.listApiKeys.path
        #expect(try await access.refusal(path, token) == nil)
        let revoked = try await access.admin(Wire.AdminMethods.revokeApiKey) { $0.which = .token(token) }
        #expect(revoked.account == Access.account.checksummed)
        let again = try await access.admin(Wire.AdminMethods.revokeApiKey) { $0.which = .token(token) }
        #expect(again.id == revoked.id)
        for access in [access, try Access(store: access.store)] {
            #expect(try await access.refusal(path, token)?.code == .unauthenticated)
            #expect(try await access.refusal(Wire.AggregatorMethods.getTask.path, token)?.code == .unauthenticated)
            #expect(try await access.refusal(path, other) == nil)
        }
    }

    @Test("JWT-6: makes tokens for its own account with read and write, for any with admin, and for none without")
    func minting() async throws {
        let access = try Access()
        let stranger = ServerHarness.stranger
        func mints(_ token: String, _ account: Address) -> Bool {
            let message = access.authority.proposal(wallet: account.checksummed, now: access.time.now)
            do {
                let grant = try access.authority.grant(message: message, signature: token, now: access.time.now)
                let claims = access.authority.claims(of: grant.token, now: access.time.now)
                return claims?.roles == [] && claims?.subject == account.checksummed
            } catch {
                return false
            }
        }
        let both = try await access.newKey(.read, .write).token
        let half = try await access.newKey(.read).token
        let admin = try await access.newKey(.admin, account: nil).token
        let legacy = try access.token(subject: "apikey", roles: ["admin"])
        let user = try access.token()
        #expect(mints(both, Access.account) && !mints(both, stranger))
        #expect(!mints(half, Access.account) && !mints(half, stranger))
        #expect(mints(admin, Access.account) && mints(admin, stranger))
        #expect(
            mints(legacy, Access.account) && mints(legacy, stranger), "3.3: made without a record, good all the same")
        #expect(mints(user, Access.account) && !mints(user, stranger))
        let refusal = try await access.refusal(Wire.AggregatorMethods.getTask.path, admin)
        #expect(refusal?.message.contains("subject must be a valid EOA address") == true, "acts as nobody")
    }

    @Test("ends at its time, and no token that it made outlives it")
    func expiry() async throws {
        let access = try Access()
        let key = try await access.newKey(.read, .write, lifetime: 60)
        let message = access.authority.proposal(wallet: Access.account.checksummed, now: access.time.now)
        let grant = try access.authority.grant(message: message, signature: key.token, now: access.time.now)
        #expect(grant.expiresAt * 1_000 == key.key.expiresAt)
        access.time.advance(by: .seconds(60))
        for token in [key.token, grant.token] {
            let refusal = try await access.refusal(Wire.AggregatorMethods.getTask.path, token)
            #expect(refusal?.metadata["x-ap-error-code"] == "1003")
        }
        let listed = try await access.admin(Wire.AdminMethods.listApiKeys)
        #expect(listed.items.map(\.state) == ["expired"])
        #expect(try await access.admin(Wire.AdminMethods.listApiKeys) { $0.goodOnly = true }.items.isEmpty)
    }

    @Test("is remembered as used, in memory at once and in the store in time, and a revocation in between stays")
    func lastUse() async throws {
        let access = try Access()
        let key = try await access.newKey(.read)
        let id = try #require(APIKeyID(key.key.id))
        access.time.advance(by: .seconds(5))
        #expect(try await access.refusal(Wire.AggregatorMethods.getTask.path, key.token) == nil)
        let used = access.time.now
        #expect(access.engine.apiKeys.key(id)?.lastUsedAt == used)
        #expect(try Access(store: access.store).engine.apiKeys.key(id)?.lastUsedAt == nil, "not with every call")
        _ = try await access.engine.apiKeys.revoke(id, by: Access.boss)
        try await access.engine.apiKeys.writeUses()
        try await access.store.update { _ in }  // it was written unsynced: this makes it durable
        let stored = try Access(store: access.store).engine.apiKeys.key(id)
        #expect(stored?.lastUsedAt == used && stored?.revokedAt != nil)
    }

    @Test("has rates of its own, which do not use up its account's")
    func rates() async throws {
        var limits = CallLimits().withoutRates
        limits.readsPerKey = .init(perSecond: 1, burst: 2)
        let access = try Access(limits: limits)
        let (one, two) = (try await access.newKey(.read).token, try await access.newKey(.read).token)
        let path = Wire.AggregatorMethods.getTask.path
        for _ in 0..<2 { #expect(try await access.refusal(path, one) == nil) }
        let refusal = try #require(try await access.refusal(path, one))
        #expect(refusal.message.hasPrefix("too many reads per API key: 1 a second are allowed, 2 at once"))
        #expect(try await access.refusal(path, two) == nil)
        #expect(try await access.refusal(path, try access.token()) == nil)
    }

    @Test("whose rates an administrator sets counts with them at once, with its tokens, and through a restart")
    func ownRates() async throws {
        let access = try Access()
        let key = try await access.newKey(.read, .write)
        let path = Wire.AggregatorMethods.getTask.path
        func set(_ rate: Wire.CallRate) async throws -> Wire.ApiKey {
            try await access.admin(Wire.AdminMethods.updateApiKey) {
                $0.id = key.key.id
                $0.rates = .with { $0.reads = rate }
            }
        }
        let shown = try await set(.with { ($0.perSecond, $0.burst) = (1, 2) })
        #expect(shown.rates?.reads?.burst == 2 && shown.rates?.writes == nil)
        let message = access.authority.proposal(wallet: Access.account.checksummed, now: access.time.now)
        let minted = try access.authority.grant(message: message, signature: key.token, now: access.time.now).token
        #expect(try await access.refusal(path, key.token) == nil)
        #expect(try await access.refusal(path, minted) == nil)
        let refusal = try #require(try await access.refusal(path, key.token))
        #expect(refusal.message.hasPrefix("too many reads per API key: 1 a second are allowed, 2 at once"))
        #expect(refusal.metadata["grpc-retry-pushback-ms"].flatMap(Int.init).map { $0 > 0 } == true)
        #expect(try await access.refusal(Wire.AggregatorMethods.cancelTask.path, key.token) == nil, "writes are others")
        let again = try Access(store: access.store)
        let id = try #require(APIKeyID(key.key.id))
        #expect(again.engine.apiKeys.key(id)?.rates == APIKeyRates(reads: CallRate(perSecond: 1, burst: 2)))
        #expect(try await set(Wire.CallRate()).rates == nil, "back to the configuration's")
        let acts = try await access.admin(Wire.AdminMethods.listAuditEntries).items.suffix(2)
        #expect(acts.map(\.action) == ["api-key.update", "api-key.update"])
        #expect(acts.first?.after.contains("\"reads\":\"1/2\"") == true && acts.last?.before == acts.first?.after)
    }

    @Test("is given no rate that is none: below one or beyond the bounds, and nothing where nothing is asked for")
    func badRates() async throws {
        let access = try Access()
        let key = try await access.newKey(.read)
        for (perSecond, burst) in [(0, 1), (1, 0), (-1, 5), (1_000_001, 5), (5, 10_000_001)] as [(Int32, Int32)] {
            await #expect(throws: InvalidArgument.self) {
                try await access.admin(Wire.AdminMethods.updateApiKey) {
                    $0.id = key.key.id
                    $0.rates = .with { $0.writes = .with { ($0.perSecond, $0.burst) = (perSecond, burst) } }
                }
            }
        }
        await #expect(throws: InvalidArgument.self) {
            try await access.admin(Wire.AdminMethods.updateApiKey) { $0.id = key.key.id }
        }
        await #expect(throws: EngineError.apiKeyNotFound) {
            try await access.admin(Wire.AdminMethods.updateApiKey) {
                $0.id = String(repeating: "0", count: 26)
                $0.rates = Wire.ApiKeyRates()
            }
        }
        #expect(try await access.admin(Wire.AdminMethods.listAuditEntries).items.map(\.action) == ["api-key.create"])
    }

    private typealias Draft = (name: String, account: String, scopes: [Wire.ApiScope], lifetime: Int64)

    private static let drafts: [Draft] = [
        ("", "", [.admin], 0), ("a\nb", "", [.admin], 0), (String(repeating: "a", count: 65), "", [.admin], 0),
        ("a", "", [], 0), ("a", "", [.read], 0), ("a", "", [.admin, .write], 0), ("a", "0x12", [.admin], 0),
        ("a", "0x0000000000000000000000000000000000000000", [.read], 0), ("a", "", [.unspecified], 0),
        ("a", "", [Wire.ApiScope(rawValue: 9)], 0), ("a", "", [.admin], -1), ("a", "", [.admin], 90 * 86_400 + 1),
    ]

    @Test("that cannot be one is refused and changes nothing", arguments: 0..<drafts.count)
    func malformed(number: Int) async throws {
        let (name, account, scopes, lifetime) = Self.drafts[number]
        let access = try Access()
        await #expect(throws: InvalidArgument.self) {
            try await access.admin(Wire.AdminMethods.createApiKey) {
                $0.name = name
                $0.account = account
                $0.scopes = scopes
                $0.lifetimeSeconds = lifetime
            }
        }
        #expect(access.engine.apiKeys.isEmpty)
        #expect(try await access.engine.audit.page(after: nil, limit: 10).items.isEmpty)
    }

    @Test("JWT-8: is shown once: neither the store nor the log nor the audit log has any of it")
    func shownOnce() async throws {
        let access = try Access()
        let key = try await access.newKey(.read, .write)
        _ = try await access.refusal(Wire.AggregatorMethods.getTask.path, key.token)
        _ = try await access.refusal(Wire.AdminMethods.listApiKeys.path, key.token)
        _ = try await access.admin(Wire.AdminMethods.revokeApiKey) { $0.which = .token(key.token) }
        let parts = key.token.split(separator: ".").map(String.init)
        var written = access.log.text
        #expect(
            written.contains("api-key.create") && written.contains("api-key.revoke") && written.contains(key.key.id))
        _ = try access.store.read { snapshot in
            try snapshot.scan(.all, order: .ascending, limit: 1_000) { key, value in
                written += String(decoding: key + value, as: UTF8.self)
                return .next
            }
        }
        for part in parts { #expect(!written.contains(part)) }
    }
}

@Suite("The audit log")
struct AuditLogTests {
    @Test("ADM-1: has an entry for each change, written with it, chained, in pages")
    func entries() async throws {
        let access = try Access()
        let first = try await access.newKey(.read).key.id
        access.time.jump(by: .seconds(-3_600))  // entries stay in order although the clock does not
        _ = try await access.newKey(.admin)
        _ = try await access.admin(Wire.AdminMethods.revokeApiKey) { $0.which = .id(first) }
        let all = try await access.admin(Wire.AdminMethods.listAuditEntries)
        #expect(all.isIntact && !all.hasMore)
        #expect(all.items.map(\.action) == ["api-key.create", "api-key.create", "api-key.revoke"])
        #expect(all.items.allSatisfy { $0.who == "key 0" && $0.origin == "127.0.0.1:9" && $0.at != 0 })
        #expect(all.items[2].object == first && all.items[2].before != all.items[2].after)
        for (one, next) in zip(all.items, all.items.dropFirst()) { #expect(next.previousDigest == one.digest) }
        var paged: [Wire.AuditLogEntry] = []
        repeat {
            let page = try await access.admin(Wire.AdminMethods.listAuditEntries) {
                $0.after = paged.last?.id ?? ""
                $0.limit = 1
            }
            #expect(page.items.count == 1 && page.isIntact && page.hasMore == (paged.count < 2))
            paged += page.items
        } while paged.count < 3
        #expect(paged == all.items)
    }

    @Test("ADM-1: tells when an entry is changed or removed", arguments: [true, false])
    func broken(isRemoved: Bool) async throws {
        let access = try Access()
        for _ in 0..<3 { _ = try await access.newKey(.read) }
        try await access.store.update { transaction in
            var keys: [(key: [UInt8], value: [UInt8])] = []
            try transaction.scan(KeyRange(prefix: Array("audit:".utf8)), order: .ascending, limit: 10) { key, value in
                keys.append((key, value))
                return .next
            }
            if isRemoved {
                try transaction.delete(keys[1].key)
            } else {
                try transaction.put(keys[1].key, keys[1].value + [0x08, 0x01])
            }
        }
        #expect(try await !access.engine.audit.page(after: nil, limit: 10).isIntact)
        let last = try await access.admin(Wire.AdminMethods.listAuditEntries).items.dropLast().last?.id ?? ""
        #expect(try await !access.admin(Wire.AdminMethods.listAuditEntries) { $0.after = last }.isIntact)
    }
}

private struct NoRunner: WorkflowRunner {
    func run(
        _ request: RunRequest, recorder: some StepRecorder, signal: StopSignal
    ) async -> RunResult {
        RunResult(steps: [], status: .success, error: "")
    }
}
