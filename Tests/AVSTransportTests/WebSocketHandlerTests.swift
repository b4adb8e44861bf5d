import AVSTesting
import NIOCore
import NIOEmbedded
import NIOWebSocket
import Testing

@testable import AVSTransport

@Suite("A WebSocket connection's handler")
struct WebSocketHandlerTests {
    final class Rig {
        let channel = EmbeddedChannel()
        let inbox: WebSocketInbox
        let handler: WebSocketHandler

        init(_ change: (inout WebSocketConnection.Configuration) -> Void = { _ in }) throws {
            var configuration = WebSocketConnection.Configuration()
            change(&configuration)
            inbox = WebSocketInbox(
                countLimit: configuration.waitingMessagesLimit, byteLimit: configuration.waitingBytesLimit)
            let decoder = WebSocketFrameDecoder(maxFrameSize: configuration.messageLimitBytes)
            try channel.pipeline.syncOperations.addHandlers(WebSocketFrameEncoder(), ByteToMessageHandler(decoder))
            handler = try WebSocketHandler.install(on: channel, configuration, inbox: inbox)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        func receive(_ bytes: [UInt8], pieces: Int = .max) throws {
            for start in stride(from: 0, to: bytes.count, by: min(pieces, max(bytes.count, 1))) {
                try channel.writeInbound(
                    ByteBuffer(bytes: bytes[start..<min(bytes.count, start + min(pieces, bytes.count))]))
            }
        }

        /// What was sent, frame by frame: opcode and unmasked payload.
        func sent() throws -> [(opcode: UInt8, payload: [UInt8])] {
            var bytes: [UInt8] = []
            while let buffer = try channel.readOutbound(as: ByteBuffer.self) { bytes += buffer.readableBytesView }
            var frames: [(UInt8, [UInt8])] = []
            while bytes.count >= 6 {
                #expect(bytes[1] & 0x80 != 0, "a client's frame is masked")
                let count = Int(bytes[1] & 0x7f)
                let key = Array(bytes[2..<6])
                frames.append((bytes[0] & 0x0f, bytes[6..<6 + count].enumerated().map { $1 ^ key[$0 % 4] }))
                bytes.removeFirst(6 + count)
            }
            return frames
        }

        /// The code of the close frame that was sent.
        func sentCloseCode() throws -> Int? {
            try sent().last { $0.opcode == 8 }.map { Int($0.payload[0]) << 8 | Int($0.payload[1]) }
        }

        func next() async throws -> WebSocketMessage? { try await inbox.next {} }
    }

    /// A server's frame. Opcodes: 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong.
    static func frame(_ opcode: UInt8, _ payload: [UInt8] = [], fin: Bool = true, bits: UInt8 = 0) -> [UInt8] {
        let first = (fin ? 0x80 : 0) | bits | opcode
        switch payload.count {
        case ..<126: return [first, UInt8(payload.count)] + payload
        case ..<65_536: return [first, 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)] + payload
        default:
            return [first, 127] + stride(from: 56, through: 0, by: -8).map { UInt8(payload.count >> $0 & 255) }
                + payload
        }
    }

    static func frame(_ opcode: UInt8, _ text: String, fin: Bool = true) -> [UInt8] {
        frame(opcode, Array(text.utf8), fin: fin)
    }

    @Test("hands on texts and bytes, whole or in fragments, cut anywhere", arguments: [1, 3, Int.max])
    func messages(pieces: Int) async throws {
        let rig = try Rig()
        let long = String(repeating: "é", count: pieces == .max ? 40_000 : 1_000)
        try rig.receive(
            Self.frame(1, "one") + Self.frame(2, [0, 255]) + Self.frame(1, "fr", fin: false) + Self.frame(9, "between")
                + Self.frame(0, "agm", fin: false) + Self.frame(0, "ents") + Self.frame(1, "") + Self.frame(1, long),
            pieces: pieces)
        for expected in [.text("one"), .binary([0, 255]), .text("fragments"), .text(""), .text(long)]
            as [WebSocketMessage]
        {
            #expect(try await rig.next() == expected)
        }
        let frames = try rig.sent()
        #expect(frames.map(\.opcode) == [10])
        #expect(frames.first?.payload == Array("between".utf8))
        #expect(rig.channel.isActive)
    }

    /// Bytes of a server, and the close code that answers them.
    struct Violation: Sendable {
        let bytes: [UInt8]
        let code: Int

        init(_ bytes: [UInt8], _ code: Int) { (self.bytes, self.code) = (bytes, code) }
    }

    static let violations: [Violation] = [
        Violation(frame(1, [0xff]), 1007),
        Violation(frame(1, [0xed, 0xa0, 0x80]), 1007),
        Violation([0x81, 0x81, 0, 0, 0, 0, 0x61], 1002),
        Violation(frame(1, [], bits: 0x40), 1002),
        Violation(frame(2, [], bits: 0x10), 1002),
        Violation(frame(3), 1002),
        Violation(frame(0, "x"), 1002),
        Violation(frame(1, "a", fin: false) + frame(1, "b"), 1002),
        Violation(frame(9, "x", fin: false), 1002),
        Violation(frame(9, [UInt8](repeating: 0, count: 126)), 1002),
        Violation(frame(1, "", fin: false) + [0x40, 0], 1002),
    ]

    @Test("fails on what RFC 6455 forbids, with the code that says so", arguments: violations)
    func refuses(_ violation: Violation) async throws {
        let (bytes, code) = (violation.bytes, violation.code)
        let rig = try Rig()
        try rig.receive(bytes)
        #expect(try rig.sentCloseCode() == code)
        #expect(!rig.channel.isActive)
        await #expect {
            _ = try await rig.next()
        } throws: {
            if case WebSocketError.protocolViolation = $0 { true } else { false }
        }
    }

    @Test("refuses a message over the limit before it is there, and in fragments")
    func tooLong() async throws {
        let fragments = (0..<5).flatMap {
            Self.frame($0 == 0 ? 1 : 0, [UInt8](repeating: 0x61, count: 250), fin: false)
        }
        let announced: [UInt8] = [0x82, 127, 0, 0, 0, 0, 0, 0, 4, 1]
        let huge: [UInt8] = [0x82, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255]
        for bytes in [fragments, announced, huge] {
            let rig = try Rig { $0.messageLimitBytes = 1_024 }
            try rig.receive(bytes)
            #expect(try rig.sentCloseCode() == 1009)
            await #expect(throws: WebSocketError.messageTooLong(limit: 1_024)) { try await rig.next() }
        }
        let exact = try Rig { $0.messageLimitBytes = 1_024 }
        try exact.receive(Self.frame(2, [UInt8](repeating: 1, count: 1_024)))
        #expect(try await exact.next()?.byteCount == 1_024)
    }

    @Test("refuses endless fragments")
    func tooManyFragments() async throws {
        let rig = try Rig { $0.fragmentLimit = 10 }
        try rig.receive((0..<10).flatMap { Self.frame($0 == 0 ? 1 : 0, fin: false) })
        await #expect(throws: WebSocketError.self) { try await rig.next() }
        #expect(!rig.channel.isActive)
    }

    /// The payload of a server's close frame, and what the reader gets to see; nil for an orderly end.
    struct Closing: Sendable {
        let payload: [UInt8]
        let error: WebSocketError?

        init(_ payload: [UInt8], _ error: WebSocketError?) { (self.payload, self.error) = (payload, error) }
    }

    static let closings: [Closing] = [
        Closing([3, 232], nil),
        Closing([3, 233], nil),
        Closing([], .closedByServer(code: 1005, reason: "")),
        Closing([3], .closedByServer(code: 1005, reason: "\u{3}")),
        Closing([3, 243, 0x6f, 0x68], .closedByServer(code: 1011, reason: "oh")),
        Closing([15, 160, 0xff], .closedByServer(code: 4000, reason: "\u{fffd}")),
    ]

    @Test("answers a close and tells what it meant", arguments: closings)
    func answers(_ closing: Closing) async throws {
        let rig = try Rig()
        try rig.receive(Self.frame(1, "last") + Self.frame(8, closing.payload) + Self.frame(1, "ignored"))
        #expect(try rig.sent().map(\.opcode) == [8])
        #expect(!rig.channel.isActive)
        #expect(try await rig.next() == .text("last"))
        for _ in 0..<2 {
            if let error = closing.error {
                await #expect(throws: error) { try await rig.next() }
            } else {
                #expect(try await rig.next() == nil)
            }
        }
    }

    @Test("closes with 1000, and waits one second for the answer")
    func close() async throws {
        let answered = try Rig()
        answered.handler.close()
        answered.handler.close()
        #expect(try answered.sentCloseCode() == 1000)
        try answered.receive(Self.frame(1, "still on its way") + Self.frame(8, [3, 232]))
        #expect(!answered.channel.isActive)
        #expect(try await answered.next() == .text("still on its way"))
        #expect(try await answered.next() == nil)

        let silent = try Rig()
        silent.handler.close()
        silent.channel.embeddedEventLoop.advanceTime(by: .milliseconds(999))
        #expect(silent.channel.isActive)
        silent.channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(!silent.channel.isActive)
        #expect(try await silent.next() == nil)
    }

    @Test("sends nothing after it is closed")
    func sendAfterClose() throws {
        let rig = try Rig()
        rig.handler.close()
        let promise = rig.channel.embeddedEventLoop.makePromise(of: Void.self)
        rig.handler.send(.text("late"), promise)
        #expect(throws: WebSocketError.closed) { try promise.futureResult.wait() }
    }

    @Test("tells a broken connection from a closed one")
    func lost() async throws {
        let rig = try Rig()
        rig.channel.close(promise: nil)
        rig.channel.embeddedEventLoop.run()
        await #expect {
            _ = try await rig.next()
        } throws: {
            if case WebSocketError.lost = $0 { true } else { false }
        }
    }

    @Test("pings after 20 silent seconds, and gives up 20 seconds later")
    func keepalive() async throws {
        let rig = try Rig()
        let loop = rig.channel.embeddedEventLoop
        loop.advanceTime(by: .seconds(19))
        #expect(try rig.sent().isEmpty)
        try rig.receive(Self.frame(1, "x"))
        loop.advanceTime(by: .seconds(19))
        #expect(try rig.sent().isEmpty, "a message is life")
        loop.advanceTime(by: .seconds(1))
        #expect(try rig.sent().map(\.opcode) == [9])
        try rig.receive(Self.frame(10))
        loop.advanceTime(by: .seconds(19))
        #expect(rig.channel.isActive)
        loop.advanceTime(by: .seconds(21))
        #expect(try rig.sent().contains { $0.opcode == 9 })
        loop.advanceTime(by: .seconds(20))
        #expect(!rig.channel.isActive)
        _ = try await rig.next()
        await #expect {
            _ = try await rig.next()
        } throws: {
            if case WebSocketError.silent = $0 { true } else { false }
        }
    }

    @Test("stops reading while the reader does not keep up, and goes on when half is read")
    func backpressure() async throws {
        let rig = try Rig { $0.waitingMessagesLimit = 4 }
        let reads = ReadCounter()
        try rig.channel.pipeline.syncOperations.addHandler(reads, position: .first)
        rig.channel.read()
        #expect(reads.count == 1)
        try rig.receive((0..<4).flatMap { Self.frame(1, "\($0)") })
        rig.channel.read()
        #expect(reads.count == 1, "full")
        var roomy = 0
        for _ in 0..<2 { _ = try await rig.inbox.next { roomy += 1 } }
        #expect(roomy == 1)
        rig.handler.resumeReading()
        #expect(reads.count == 2)
    }

    @Test("stops reading when few messages are many bytes")
    func backpressureByBytes() throws {
        let rig = try Rig { $0.waitingBytesLimit = 1_000 }
        let reads = ReadCounter()
        try rig.channel.pipeline.syncOperations.addHandler(reads, position: .first)
        try rig.receive(Self.frame(2, [UInt8](repeating: 0, count: 1_000)))
        rig.channel.read()
        #expect(reads.count == 0)
    }

    @Test("never traps on random bytes", arguments: [1, 2, 3] as [UInt64])
    func noise(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let rig = try Rig { $0.messageLimitBytes = 4_096 }
            let noise = (0..<Int.random(in: 0...300, using: &generator)).map { _ in
                UInt8.random(in: .min ... .max, using: &generator)
            }
            try rig.receive(noise, pieces: Int.random(in: 1...50, using: &generator))
        }
    }

    final class ReadCounter: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        var count = 0

        func read(context: ChannelHandlerContext) {
            count += 1
            context.read()
        }
    }
}

@Suite("A WebSocket inbox")
struct WebSocketInboxTests {
    @Test("wakes readers in the order of messages, and loses none to a cancelled one")
    func readers() async throws {
        let inbox = WebSocketInbox(countLimit: 100, byteLimit: 1 << 20)
        for round in 0..<50 {
            let cancelled = Task { try await inbox.next {} }
            let reader = Task { try await inbox.next {} }
            if round.isMultiple(of: 2) { await Task.yield() }
            cancelled.cancel()
            _ = inbox.push(.text("\(round) a"))
            _ = inbox.push(.text("\(round) b"))
            var seen: [WebSocketMessage] = []
            for task in [cancelled, reader] {
                if case .success(let message?) = await task.result { seen.append(message) }
            }
            while seen.count < 2 { seen.append(try #require(try await inbox.next {})) }
            #expect(Set(seen) == [.text("\(round) a"), .text("\(round) b")])
        }
    }

    @Test("gives what it holds before its end, and the end to everybody")
    func end() async throws {
        let inbox = WebSocketInbox(countLimit: 100, byteLimit: 1 << 20)
        _ = inbox.push(.text("a"))
        inbox.finish(.failure(.lost("x")))
        inbox.finish(.success(()))
        _ = inbox.push(.text("late"))
        #expect(try await inbox.next {} == .text("a"))
        for _ in 0..<3 { await #expect(throws: WebSocketError.lost("x")) { try await inbox.next {} } }
    }
}

@Suite("A WebSocket URL")
struct WebSocketURLTests {
    @Test(
        "is read strictly",
        arguments: [
            ("ws://localhost", "localhost", 80, "/", "localhost"),
            ("wss://a.example", "a.example", 443, "/", "a.example"),
            ("WS://Host:8545/path?q=1", "Host", 8545, "/path?q=1", "Host:8545"), ("ws://h:80?x", "h", 80, "/?x", "h"),
            ("wss://h:80/", "h", 80, "/", "h:80"), ("ws://[::1]:8546/a", "::1", 8546, "/a", "[::1]:8546"),
            ("ws://127.0.0.1:1/a/b", "127.0.0.1", 1, "/a/b", "127.0.0.1:1"),
        ])
    func valid(text: String, host: String, port: Int, resource: String, field: String) throws {
        let url = try #require(WebSocketURL(text))
        #expect(url.host == host)
        #expect(url.port == port)
        #expect(url.resource == resource)
        #expect(url.hostField == field)
        #expect("\(url)" == (url.isSecure ? "wss://" : "ws://") + field, "the path can hold an API key")
    }

    @Test(
        "is nothing else",
        arguments: [
            "", "ws:", "ws://", "ws:///x", "http://h", "ws//h", "ws://h:0", "ws://h:65536", "ws://h:+5", "ws://h:",
            "ws://u:p@h",
            "ws://u@h", "ws://h#f", "ws://h/a b", "ws://ü", "ws://[::1", "ws://[h]", "ws://::1", "ws://h\r\nx: y",
            "ws://h/" + String(repeating: "a", count: 2048), " ws://h",
        ])
    func invalid(text: String) {
        #expect(WebSocketURL(text) == nil)
    }
}
