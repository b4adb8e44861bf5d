import AVSCrypto
import AVSEngine
import AVSModel
import AVSPrimitives
import AVSRPC
import AVSStorage
import Testing

@testable import AVSServer

/// One of each kind of error, and after it the next: a case that is added does not compile until it stands here, and
/// then the table's test asks for its row.
private enum ErrorWalk {
    static var engine: [EngineError] { walk(.taskNotFound, next) }
    static var storage: [StorageError] { walk(.undecodable(key: [1], reason: "r"), next) }
    static var secrets: [SecretTrouble] { walk(.noRootKey, next) }

    private static func walk<E>(_ first: E, _ next: @escaping (E) -> E?) -> [E] {
        Array(sequence(first: first, next: next))
    }

    private static func next(_ error: EngineError) -> EngineError? {
        switch error {
        case .taskNotFound: .executionNotFound
        case .executionNotFound: .walletNotFound
        case .walletNotFound: .secretNotFound
        case .secretNotFound: .apiKeyNotFound
        case .apiKeyNotFound: .rootKeyInUse("2 secrets are sealed with it")
        case .rootKeyInUse: .keyReused
        case .keyReused: .notRunnable(.expired)
        case .notRunnable: .foreignWallet
        case .foreignWallet: .walletLimit(5)
        case .walletLimit: .quota(name: "secrets per owner", limit: 7)
        case .quota: .queueFull(name: "queued executions", limit: 7)
        case .queueFull: .spaceLow(what: "new tasks")
        case .spaceLow: .chain(action: "read nonce", cause: "timeout")
        case .chain: .unknownChain(5)
        case .unknownChain: .corrupted(what: "task")
        case .corrupted: .reconnectTooFast(waited: .seconds(1), cooldown: .seconds(5))
        case .reconnectTooFast: .notApproved(.zero)
        case .notApproved: .shuttingDown
        case .shuttingDown: nil
        }
    }

    private static func next(_ error: StorageError) -> StorageError? {
        switch error {
        case .undecodable: .corrupt("block 7")
        case .corrupt: .rolledBack("commit 7")
        case .rolledBack: .locked(by: "pid 7")
        case .locked: .readOnly("disk full")
        case .readOnly: .outcomeUnknown("fsync")
        case .outcomeUnknown: .tooLarge(bytes: 8, limit: 7)
        case .tooLarge: .overloaded("queue of 7")
        case .overloaded: .notFound(path: "/a/path")
        case .notFound: .unusable("/a/path: mode")
        case .unusable: .noSpace("/a/path")
        case .noSpace: .closed
        case .closed: .misuse("a scan without a bound")
        case .misuse: .io(call: "rocksdb_write", text: "/a/path")
        case .io: nil
        }
    }

    private static func next(_ error: SecretTrouble) -> SecretTrouble? {
        switch error {
        case .noRootKey: RootKey.ID(bytes: [1, 2, 3, 4, 5, 6, 7, 8]).map { .unknownRootKey($0) }
        case .unknownRootKey: .notAuthentic
        case .notAuthentic: .library("EVP_CipherFinal_ex: /a/path")
        case .library: nil
        }
    }
}

@Suite("The table of statuses")
struct StatusTableTests {
    private typealias Row = (code: RPCCode, domain: Int, message: String)

    private static let noRun = "task cannot be executed: either reached max execution, expired, or not yet started"
    private static let tooFast = "reconnecting too fast, wait 5s (last connect was 1.0 seconds ago)"

    private static let engine: [Row] = [
        (.notFound, 2000, "task not found"), (.notFound, 2001, "execution not found"),
        (.notFound, 2002, "Wallet not found for the specified salt and factory."),
        (.notFound, 2003, "Secret not found"),
        (.notFound, 3000, "API key not found"),
        (.failedPrecondition, 3000, "the root key stays: 2 secrets are sealed with it"),
        (.invalidArgument, 3000, "the idempotency key was used for another request"),
        (.failedPrecondition, 4001, noRun),
        (.invalidArgument, 3004, "invalid smart account address"),
        (.resourceExhausted, 7001, "max smart wallet count reached for owner (limit=5)"),
        (.resourceExhausted, 7001, "limit reached: at most 7 secrets per owner"),
        (.resourceExhausted, 7001, "limit reached: at most 7 queued executions"),
        (.resourceExhausted, 6000, "storage is nearly full: new tasks are not taken in for now"),
        (.unavailable, 5000, "failed to read nonce: timeout"), (.invalidArgument, 3000, "chain 5 is not configured"),
        (.dataLoss, 6003, "task data storage is corrupted"), (.resourceExhausted, 7000, tooFast),
        (.permissionDenied, 1001, "operator 0x0000000000000000000000000000000000000000 is not approved"),
        (.unavailable, 6000, "the service is shutting down"),
    ]
    private static let storage: [Row] = [
        (.dataLoss, 6003, "task data storage is corrupted"), (.dataLoss, 6003, "task data storage is corrupted"),
        (.unavailable, 6000, "storage is not ready"), (.unavailable, 6000, "storage is not ready"),
        (.unavailable, 6000, "storage is read-only: disk full"), (.unavailable, 6000, "outcome unknown"),
        (.resourceExhausted, 7001, "the change is 8 bytes, at most 7 are allowed"),
        (.resourceExhausted, 7002, "storage is overloaded: queue of 7"), (.unavailable, 6000, "storage is not ready"),
        (.unavailable, 6000, "storage is not ready"), (.unavailable, 6000, "storage is read-only: disk full"),
        (.unavailable, 6000, "storage is not ready"), (.unavailable, 6000, "storage is not ready"),
        (.unavailable, 6000, "storage is not ready"),
    ]
    private static let secrets: [Row] = [
        (.failedPrecondition, 6000, "secrets are unavailable: the service has no root key"),
        (.failedPrecondition, 6000, "secrets are unavailable: root key 0102030405060708 is missing"),
        (.failedPrecondition, 6000, "a secret cannot be read: its record is not authentic"),
        (.internal, 6001, "Cannot save data"),
    ]

    @Test("API-10.1.16: gives each error a status of gRPC, a text and the domain's number in the trailer")
    func table() {
        check(ErrorWalk.engine, Self.engine)
        check(ErrorWalk.storage, Self.storage)
        check(ErrorWalk.secrets, Self.secrets)
        check([InvalidArgument(.missingRequiredField, "x is required")], [(.invalidArgument, 3006, "x is required")])
        check([MalformedTrigger("no block")], [(.invalidArgument, 3000, "no block")])
    }

    private func check(_ errors: [some Error], _ rows: [Row]) {
        #expect(errors.count == rows.count)
        for (error, row) in zip(errors, rows) {
            let status = RPCStatus(answering: error)
            #expect(status.code == row.code && status.message == row.message, "\(error)")
            #expect(status.metadata["x-ap-error-code"] == "\(row.domain)", "\(error)")
            #expect(ErrorCode(rawValue: Int32(row.domain)) != nil && status.code.rawValue <= 16, "\(error)")
            #expect(!status.message.contains("/a/path"), "\(error)")
        }
    }

    @Test("D-9: every number of the domain travels as decimal text", arguments: ErrorCode.allCases)
    func trailer(code: ErrorCode) {
        let status = RPCStatus(answering: InvalidArgument(code, "x"))
        #expect(status.metadata["x-ap-error-code"] == (code == .unspecified ? nil : "\(code.rawValue)"))
    }

    private struct Secret: Error { var password = "hunter2" }

    @Test("says nothing of an error that it does not know (LOG-4)")
    func unknown() {
        let status = RPCStatus(answering: Secret())
        #expect(status.code == .internal)
        #expect(status.message == "internal error")
    }
}

@Suite("A cursor")
struct CursorTests {
    @Test("API-10.3.15: of an id is the 60 characters that clients assert")
    func text() throws {
        let id = try #require(ULID("01jg2fe5mdvkbpheg0peysdkac"))
        #expect(Cursor.text(of: id) == "eyJkIjoibmV4dCIsInAiOiIwMWpnMmZlNW1kdmticGhlZzBwZXlzZGthYyJ9")
        #expect(Cursor.text(of: id).utf8.count == 60)
        #expect(try Cursor.position(Cursor.text(of: id)) == id)
    }

    @Test(
        "that is none is refused with one text",
        arguments: ["%%%", "e30=", "eyJwIjoieCJ9", String(repeating: "A", count: 2_000)])
    func refused(text: String) {
        let error = #expect(throws: InvalidArgument.self) { _ = try Cursor.position(text) }
        #expect(error?.message.hasPrefix("Invalid pagination cursor.") == true)
    }

    @Test("at position 0 is no cursor")
    func start() throws {
        #expect(try Cursor.position(Base64.encode(Array(#"{"d":"next","p":"0"}"#.utf8))) == nil)
    }

    @Test("D-26: a page is cut where its bytes end, on the far side from its cursor")
    func cut() {
        let page = Page(rows: [5, 4, 3, 2, 1], hasPrevious: false, hasNext: false)
        let forward = page.cut(to: 30, isForward: true) { _ in 8 }
        #expect(forward.rows == [5, 4] && forward.hasNext && !forward.hasPrevious)
        let backward = page.cut(to: 30, isForward: false) { _ in 8 }
        #expect(backward.rows == [2, 1] && backward.hasPrevious && !backward.hasNext)
        #expect(page.cut(to: 1, isForward: true) { _ in 8 }.rows == [5])
        #expect(page.cut(to: 1_000, isForward: true) { _ in 8 }.rows == [5, 4, 3, 2, 1])
    }
}

@Suite("The telemetry page")
struct TelemetryPageTests {
    private static let now = Timestamp(seconds: 1_000_000)

    @Test(
        "API-10.7.13: says how long ago an operator was seen",
        arguments: [
            (10, "10s ago"), (300, "5m0s ago"), (7_200, "2h0m ago"), (172_800, "2d0h ago"), (0, "0s ago"),
            (-5, "0s ago"),
        ])
    func lastSeen(seconds: Int64, expected: String) {
        #expect(TelemetryPage.lastSeen(Timestamp(seconds: 1_000_000 - seconds), now: Self.now) == expected)
    }

    @Test("DEFECT-39: escapes what operators chose")
    func escaped() {
        let node = OperatorInfo(address: .zero, name: "<script>alert('x')</script>", lastPing: Self.now, version: "\"&")
        let html = TelemetryPage(operators: [node], now: Self.now).html
        #expect(!html.contains("<script>"))
        #expect(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"))
        #expect(html.contains("&quot;&amp;"))
    }
}
