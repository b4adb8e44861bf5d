import AVSTesting
import Testing

@testable import AVSRPC

@Suite("Details of a status")
struct StatusDetailsTests {
    /// Made by protobuf's own Python library from the published messages.
    private static let recorded =
        "080812026e6f1a360a28747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e5265747279496e666f120a0a08"
        + "08011080cab5ee011a3e0a2b747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e51756f74614661696c75"
        + "7265120f0a0d0a086c696d6974732e61120162"

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    @Test("STA-5, OVL-5: are the bytes that other libraries read: a delay and a violated quota")
    func vector() throws {
        let details = StatusDetails(
            retryDelay: .milliseconds(1_500), violations: [.init(subject: "limits.a", description: "b")])
        let status = RPCStatus(.resourceExhausted, "no").with(details)
        let bytes = try #require(status.metadata.bytes("grpc-status-details-bin").first)
        #expect(Self.hex(bytes) == Self.recorded)
        #expect(status.message == "no" && status.code == .resourceExhausted)
    }

    @Test("OVL-5: come with a pushback of the same length, 20 % around what it should be, a minute at the most")
    func pushback() throws {
        let pauses = try (-50...50).map { spread in
            let status = RPCStatus(.resourceExhausted, "full").with(
                RetryAdvice(after: .seconds(1), spread: spread), limit: "limits.a")
            let pause = try #require(status.metadata["grpc-retry-pushback-ms"].flatMap(Int.init))
            let same = RPCStatus(.resourceExhausted, "full").with(
                StatusDetails(
                    retryDelay: .milliseconds(pause), violations: [.init(subject: "limits.a", description: "full")]))
            let key = "grpc-status-details-bin"
            #expect(status.metadata.bytes(key) == same.metadata.bytes(key))
            return pause
        }
        #expect(pauses.min() == 801 && pauses.max() == 1_201)
        #expect(RetryAdvice(after: .seconds(86_400), spread: .min).milliseconds <= 72_001)
        #expect(RetryAdvice(after: .seconds(-5), spread: .max).milliseconds == 1)
    }

    @Test("OVL-5: a refusal that no repetition helps says so")
    func never() {
        let status = RPCStatus(.resourceExhausted, "too large").with(.never, limit: "size of a message")
        #expect(status.metadata["grpc-retry-pushback-ms"] == "-1")
        let details = StatusDetails(violations: [.init(subject: "size of a message", description: "too large")])
        let same = RPCStatus(.resourceExhausted, "too large").with(details)
        let key = "grpc-status-details-bin"
        #expect(status.metadata.bytes(key) == same.metadata.bytes(key))
    }

    @Test("leave out what there is none of, and a delay is never negative", arguments: [Duration.zero, .seconds(-5)])
    func bounds(delay: Duration) {
        #expect(StatusDetails().encoded(code: .aborted, message: "") == [8, 10, 18, 0])
        let zero = StatusDetails(retryDelay: .zero).encoded(code: .aborted, message: "")
        #expect(StatusDetails(retryDelay: delay).encoded(code: .aborted, message: "") == zero)
    }
}
