import AVSCrypto
import AVSOperator
import AVSPrimitives
import AVSRPC
import AVSTransport
import Logging
import Testing

@Suite("A check-in that fails")
struct CheckInFailureTests {
    static let words: [(RPCStatus, CheckInFailure)] = [
        (RPCStatus(.unavailable, "no connection to a:1: connect: Connection refused (errno: 111)"), .refused),
        (RPCStatus(.unavailable, "no connection to a:1: unknownHost"), .nameResolution),
        (RPCStatus(.unavailable, "no connection to a:1: Name or service not known"), .nameResolution),
        (RPCStatus(.unavailable, "no connection to a:1: connect timed out"), .timeout),
        (RPCStatus(.deadlineExceeded, ""), .timeout),
        (RPCStatus(.unavailable, "the connection is closed"), .closing),
        (RPCStatus(.cancelled, ""), .closing),
        (RPCStatus(.unavailable, "overloaded"), .unavailable),
        (RPCStatus(.unauthenticated, "Signature is expired"), .other), (RPCStatus(.internal, "closed"), .other),
    ]

    @Test("says of which kind the failure is (API-10.8.9)", arguments: words)
    func kinds(_ row: (status: RPCStatus, kind: CheckInFailure)) {
        #expect(CheckInFailure(row.status) == row.kind)
    }

    @Test("because nobody listens is refused", .timeLimit(.minutes(5))) func refused() async throws {
        let key = try SigningKey(bytes: Array(repeating: 7, count: 32))
        let client = try OperatorClient(
            target: "127.0.0.1:1", credentials: OperatorCredentials(address: key.address, key: key), time: SystemTime(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let status = await #expect(throws: RPCStatus.self) { _ = try await client.ping(CheckIn()) }
        #expect(try CheckInFailure(#require(status)) == .refused, "\(String(describing: status))")
        await client.close()
    }
}
