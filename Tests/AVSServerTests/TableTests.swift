import AVSEngine
import AVSModel
import AVSPrimitives
import AVSRPC
import AVSStorage
import Testing

@testable import AVSServer

@Suite("The table of statuses")
struct StatusTableTests {
    @Test(
        "API-10.1.16: gives each error a status of gRPC, a text and the domain's number in the trailer",
        arguments: [
            (EngineError.taskNotFound, .notFound, "2000", "task not found"),
            (EngineError.executionNotFound, .notFound, "2001", "execution not found"),
            (EngineError.walletNotFound, .notFound, "2002", "Wallet not found for the specified salt and factory."),
            (
                EngineError.notRunnable(.expired), .failedPrecondition, "4001",
                "task cannot be executed: either reached max execution, expired, or not yet started"
            ),
            (EngineError.foreignWallet, .invalidArgument, "3004", "invalid smart account address"),
            (EngineError.walletLimit(5), .resourceExhausted, "7001", "max smart wallet count reached for owner (limit=5)"),
            (InvalidArgument(.missingRequiredField, "x is required"), .invalidArgument, "3006", "x is required"),
            (MalformedTrigger("no block"), .invalidArgument, "3000", "no block"),
            (StorageError.readOnly("disk full"), .unavailable, "6000", "storage is read-only: disk full"),
            (StorageError.undecodable(key: [1], reason: "r"), .dataLoss, "6003", "task data storage is corrupted"),
            (StorageError.io(call: "rocksdb_write", text: "/a/path"), .unavailable, "6000", "storage is not ready"),
        ] as [(any Error & Sendable, RPCCode, String, String)])
    func table(error: any Error & Sendable, code: RPCCode, domain: String, message: String) {
        let status = RPCStatus(answering: error)
        #expect(status.code == code)
        #expect(status.message == message)
        #expect(status.metadata["x-ap-error-code"] == domain)
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

    @Test("that is none is refused with one text", arguments: ["%%%", "e30=", "eyJwIjoieCJ9", String(repeating: "A", count: 2_000)])
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
        arguments: [(10, "10s ago"), (300, "5m0s ago"), (7_200, "2h0m ago"), (172_800, "2d0h ago"), (0, "0s ago"), (-5, "0s ago")])
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
