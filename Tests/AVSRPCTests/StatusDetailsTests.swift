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

    @Test("leave out what there is none of, and a delay is never negative", arguments: [Duration.zero, .seconds(-5)])
    func bounds(delay: Duration) {
        #expect(StatusDetails().encoded(code: .aborted, message: "") == [8, 10, 18, 0])
        let zero = StatusDetails(retryDelay: .zero).encoded(code: .aborted, message: "")
        #expect(StatusDetails(retryDelay: delay).encoded(code: .aborted, message: "") == zero)
    }
}
