import AVSHTTP2
import AVSRPC
import Logging
import NIOEmbedded
import Testing

@testable import AVSTransport

@Suite("The log of frames")
struct FrameLogTests {
    private static let secrets = ["Bearer token-1", "api-key-2", "metadata-3", "payload-4", "answer-5"]

    /// A call that carries a secret wherever it can, and what was logged.
    private func lines(of log: LogLines, logger: Logger, isOn: Bool) throws -> [String] {
        let method = RPCMethod.unary(path("Secret"), request: .bytes, response: .bytes) { request, call in
            var metadata = Metadata()
            try metadata.add("said", Self.secrets[4])
            call.setTrailingMetadata(metadata)
            return request
        }
        let rig = try Rig([method], logger: logger) { $0.limits.logsFrames = isOn }
        let stream = try rig.call(
            "Secret", [Array(Self.secrets[3].utf8)],
            with: [("authorization", Self.secrets[0]), ("authkey", Self.secrets[1]), ("x-user", Self.secrets[2])])
        #expect(rig.sections(stream).last?["said"] == Self.secrets[4])
        return log.lines.filter { $0.hasPrefix("frame ") }
    }

    @Test("OB-4: names each frame both ways; of header fields there are names and lengths, of messages only lengths")
    func redacted() throws {
        let log = LogLines()
        let lines = try lines(of: log, logger: log.logger, isOn: true)
        for secret in Self.secrets { #expect(!log.lines.contains { $0.contains(secret) }, "\(secret)") }
        let request = try #require(lines.first { $0.contains("received HEADERS on stream 1,") })
        for field in [":path(20)", "authorization(14)", "authkey(9)", "x-user(10)"] {
            #expect(request.contains(field), "\(field)")
        }
        #expect(lines.contains("frame received DATA on stream 1, flags 0x1, 14 bytes"))
        #expect(lines.contains { $0.contains("sent HEADERS on stream 1,") && $0.contains(":status(3)") })
        #expect(lines.contains { $0.contains("sent HEADERS on stream 1,") && $0.contains("grpc-status(1) said(8)") })
        #expect(lines.contains { $0.contains("sent DATA on stream 1,") })
        #expect(lines.contains { $0.contains("sent SETTINGS on stream 0,") && $0.contains("4=262144") })
        #expect(lines.contains { $0.contains("received SETTINGS on stream 0, flags 0x1, 0 bytes") })
    }

    @Test("OB-4: is off unless it is asked for, and where the logger is above trace")
    func optIn() throws {
        let log = LogLines()
        #expect(try lines(of: log, logger: log.logger, isOn: false).isEmpty)
        var logger = log.logger
        logger.logLevel = .debug
        #expect(try lines(of: log, logger: logger, isOn: true).isEmpty)
    }

    @Test("OB-4: says what else a frame has to say, also of frames that are broken, unknown or our own PINGs")
    func kinds() throws {
        let log = LogLines()
        let rig = try Rig([echo], logger: log.logger) { $0.limits.logsFrames = true }
        try rig.receive(
            Raw.request("Echo", stream: 1) + Raw.frame(8, stream: 1, Raw.big(77)) + Raw.frame(0x77, [1, 2, 3])
                + Raw.frame(6, Raw.big(1) + Raw.big(2)) + Raw.frame(3, stream: 1, Raw.big(8))
                + Raw.frame(1, flags: 0x5, stream: 3, Raw.literal(":bad", "x")))
        rig.connection.beginDrain("test")
        rig.channel.embeddedEventLoop.run()
        for text in [
            "received WINDOW_UPDATE on stream 1, flags 0x0, 4 bytes: 77 more",
            "received 119 on stream 0, flags 0x0, 3 bytes",
            "received PING on stream 0, flags 0x0, 8 bytes", "sent PING on stream 0, flags 0x1, 8 bytes",
            "received RST_STREAM on stream 1, flags 0x0, 4 bytes: CANCEL",
            "received HEADERS on stream 3, flags 0x5, 8 bytes: invalid",
            "sent GOAWAY on stream 0, flags 0x0, 8 bytes: NO_ERROR, last stream 2147483647",
            "sent PING on stream 0, flags 0x0, 8 bytes",
        ] { #expect(log.lines.contains("frame \(text)"), "\(text)") }
    }
}
