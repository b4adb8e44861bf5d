import AVSTesting
import Testing

@testable import AVSRPC

@Suite("A status")
struct StatusTests {
    @Test("STA-1: seven codes are the application's, and no table of the runtime has one of them")
    func applications() {
        let codes = RPCCode.allCases.filter(\.belongsToApplications)
        #expect(codes.map(\.rawValue) == [3, 5, 6, 9, 10, 11, 15])
        for number in 0..<1_000 { #expect(!StatusMapping.code(httpStatus: number).belongsToApplications) }
        for number in 0..<100 as Range<UInt32> {
            #expect(!StatusMapping.status(resetCode: number, deadlinePassed: false).code.belongsToApplications)
            #expect(!StatusMapping.status(resetCode: number, deadlinePassed: true).code.belongsToApplications)
        }
    }

    @Test(
        "STA-3: any text survives the wire",
        arguments: [
            "", "plain", "100%", "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n", "%41", "a%zzb",
        ])
    func roundTrip(text: String) {
        let encoded = RPCStatus.percentEncoded(text)
        #expect(encoded.allSatisfy { (0x20...0x7e).contains($0) })
        #expect(RPCStatus.percentDecoded(encoded) == text)
    }

    @Test(
        "STA-3: decoding never fails",
        arguments: [
            ("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%e2%98%ba", "☺"), ("%E2%98", "\u{fffd}"), ("%ff", "\u{fffd}"),
            ("a%2", "a%2"), ("%25", "%"),
        ])
    func lenient(text: String, expected: String) {
        #expect(RPCStatus.percentDecoded(Array(text.utf8)) == expected)
    }

    @Test("STA-3: random bytes decode to something", arguments: 0..<20 as Range<UInt64>)
    func random(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let bytes = (0..<Int.random(in: 0...30, using: &random)).map { _ in
                [UInt8(ascii: "%"), UInt8.random(in: 0...255, using: &random)].randomElement(using: &random) ?? 0
            }
            _ = RPCStatus.percentDecoded(bytes)
        }
    }

    @Test("STA-4: long texts are cut at a character before they are encoded")
    func cut() {
        let text = String(repeating: "☺", count: 2_000)
        let decoded = RPCStatus.percentDecoded(RPCStatus.percentEncoded(text))
        #expect(decoded.utf8.count == 4_095)
        #expect(text.hasPrefix(decoded))
    }

    @Test("RSP-4: the number is decimal, the text only if there is one")
    func trailers() {
        let ok = FieldList.written { ResponseHead.writeTrailers(.ok, into: &$0) }
        #expect(ok.names == ["grpc-status"])
        #expect(ok["grpc-status"] == "0")
        let status = RPCStatus(.unauthenticated, "who?")
        let failed = FieldList.written { ResponseHead.writeTrailersOnly(status, into: &$0) }
        #expect(failed.names == [":status", "content-type", "grpc-status", "grpc-message"])
        #expect(failed["grpc-status"] == "16")
    }

    @Test(
        "RSP-7: trailers fit what clients take: the text first, then the details, then the rest",
        arguments: [8_192, 1_000, 100_000])
    func tooLarge(limit: Int) throws {
        var status = RPCStatus(.internal, String(repeating: "\n", count: 10_000))
        #expect(
            FieldList.written { ResponseHead.writeTrailers(status, into: &$0, limitBytes: limit) }.sizeBytes
                <= min(limit, 8_192))
        try status.metadata.add("small", "1")
        try status.metadata.add("grpc-status-details-bin", bytes: Array(repeating: 1, count: 9_000))
        let fields = FieldList.written { ResponseHead.writeTrailers(status, into: &$0, limitBytes: limit) }
        #expect(fields.sizeBytes <= min(limit, 8_192))
        #expect(fields["small"] == "1")
        #expect(fields["grpc-status-details-bin"] == nil)
        #expect(fields["grpc-message"]?.isEmpty == false)
    }

    @Test(
        "MAP-1: HTTP statuses",
        arguments: [
            (400, RPCCode.internal), (431, .internal), (401, .unauthenticated), (403, .permissionDenied),
            (404, .unimplemented), (429, .unavailable), (502, .unavailable), (503, .unavailable), (504, .unavailable),
            (200, .unknown), (500, .unknown), (418, .unknown),
        ])
    func http(status: Int, code: RPCCode) {
        #expect(StatusMapping.code(httpStatus: status) == code)
    }

    @Test(
        "section 8: resets",
        arguments: [
            (0, RPCCode.internal), (1, .internal), (2, .internal), (3, .internal), (4, .internal), (5, .internal),
            (6, .internal), (7, .unavailable), (8, .cancelled), (9, .internal), (10, .internal),
            (11, .resourceExhausted),
            (12, .permissionDenied), (13, .internal), (99, .internal),
        ] as [(UInt32, RPCCode)])
    func reset(number: UInt32, code: RPCCode) {
        #expect(StatusMapping.status(resetCode: number, deadlinePassed: false).code == code)
        let passed = StatusMapping.status(resetCode: number, deadlinePassed: true).code
        #expect(passed == (number == 8 ? .deadlineExceeded : code))
    }
}
