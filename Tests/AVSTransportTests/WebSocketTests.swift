import AVSTLS
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Synchronization
import TestCertificates
import Testing

@testable import AVSTransport

@Suite("A WebSocket connection")
struct WebSocketTests {
    /// Runs a NIO server whose upgraded channels get `setUp`, and gives its URL to `body`.
    private func withServer(
        sees: @escaping @Sendable (HTTPRequestHead) -> Void = { _ in },
        setUp: @escaping @Sendable (any Channel) throws -> Void, _ body: (WebSocketURL) async throws -> Void
    ) async throws {
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: 32 << 20,
            shouldUpgrade: { channel, head in
                sees(head)
                return channel.eventLoop.makeSucceededFuture(HTTPHeaders())
            },
            upgradePipelineHandler: { channel, _ in channel.eventLoop.makeCompletedFuture { try setUp(channel) } })
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                        withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let url = try #require(WebSocketURL("ws://127.0.0.1:\(server.localAddress?.port ?? 0)/path?key=1"))
        do {
            try await body(url)
        } catch {
            try await server.close()
            throw error
        }
        try await server.close()
    }

    /// Sends every message back.
    private final class Echo: ChannelInboundHandler {
        typealias InboundIn = WebSocketFrame
        typealias OutboundOut = WebSocketFrame

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let frame = unwrapInboundIn(data)
            switch frame.opcode {
            case .text, .binary, .connectionClose:
                let answer = WebSocketFrame(fin: true, opcode: frame.opcode, data: frame.unmaskedData)
                context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
            default: break
            }
        }
    }

    @Test("carries messages of any size both ways", arguments: [0, 1, 125, 126, 65_535, 65_536, 1 << 20])
    func sizes(size: Int) async throws {
        try await withServer {
            try $0.pipeline.syncOperations.addHandler(Echo())
        } _: { url in
            let connection = try await WebSocketConnection.connect(to: url)
            let text = String(repeating: "x", count: size)
            try await connection.send(text)
            #expect(try await connection.receive() == .text(text))
            let bytes = [UInt8](repeating: 200, count: size)
            try await connection.send(.binary(bytes))
            #expect(try await connection.receive() == .binary(bytes))
            await connection.close()
            #expect(try await connection.receive() == nil)
            await #expect(throws: WebSocketError.closed) { try await connection.send("late") }
        }
    }

    @Test("says that there is room to a loop that stopped reading, also if more came while it was read from")
    func room() async throws {
        let inbox = WebSocketInbox(countLimit: 10, byteLimit: 1_000)
        for number in 1...10 { #expect(inbox.push(.text("\(number)")) == (number < 10)) }
        let roomy = Mutex(0)
        for _ in 0..<2 { _ = try await inbox.next { roomy.withLock { $0 += 1 } } }
        #expect(inbox.push(.text("11")) == false)  // the rest of the read that filled it
        for _ in 0..<9 { _ = try await inbox.next { roomy.withLock { $0 += 1 } } }
        #expect(roomy.withLock { $0 } == 1)
        #expect(inbox.push(.text("12")))
    }

    @Test("keeps the order of ten thousand messages that nobody was in a hurry to read")
    func order() async throws {
        try await withServer {
            try $0.pipeline.syncOperations.addHandler(Flood(count: 10_000))
        } _: { url in
            let connection = try await WebSocketConnection.connect(to: url)
            var number = 0
            for try await message in connection.messages {
                if message != .text("\(number)") { break }
                number += 1
            }
            #expect(number == 10_000)
        }
    }

    /// Speaks first, without pause, then closes.
    private final class Flood: ChannelInboundHandler {
        typealias InboundIn = WebSocketFrame
        typealias OutboundOut = WebSocketFrame
        let count: Int

        init(count: Int) { self.count = count }

        func handlerAdded(context: ChannelHandlerContext) {
            for number in 0..<count {
                let frame = WebSocketFrame(fin: true, opcode: .text, data: ByteBuffer(string: "\(number)"))
                context.write(wrapOutboundOut(frame), promise: nil)
            }
            var code = ByteBuffer()
            code.write(webSocketErrorCode: .goingAway)
            context.writeAndFlush(
                wrapOutboundOut(WebSocketFrame(fin: true, opcode: .connectionClose, data: code)), promise: nil)
        }
    }

    @Test("sends path, query, host and the given fields")
    func request() async throws {
        let seen = Mutex<HTTPRequestHead?>(nil)
        try await withServer { head in
            seen.withLock { $0 = head }
        } setUp: {
            try $0.pipeline.syncOperations.addHandler(Echo())
        } _: { url in
            var configuration = WebSocketConnection.Configuration()
            configuration.headers = [("authorization", "Bearer 7"), ("user-agent", "test")]
            let connection = try await WebSocketConnection.connect(to: url, configuration: configuration)
            await connection.close()
            let head = try #require(seen.withLock { $0 })
            #expect(head.uri == "/path?key=1")
            #expect(head.headers["host"] == ["127.0.0.1:\(url.port)"])
            #expect(head.headers["authorization"] == ["Bearer 7"])
            #expect(head.headers["user-agent"] == ["test"])
        }
    }

    @Test(
        "fails if the server does not upgrade, and says why",
        arguments: [
            ("HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\n\r\nno", WebSocketError.refused(status: 429)),
            ("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", .refused(status: 302)),
            ("HTTP/1.1 200 OK\r\n\r\n", .refused(status: 200)),
            (
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
                    + "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", .refused(status: 101)
            ),
            ("HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n", .refused(status: 101)),
        ])
    func refused(answer: String, error: WebSocketError) async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in channel.pipeline.addHandler(Answer(answer)) }
            .bind(host: "127.0.0.1", port: 0).get()
        let url = try #require(WebSocketURL("ws://127.0.0.1:\(server.localAddress?.port ?? 0)"))
        await #expect(throws: error) { try await WebSocketConnection.connect(to: url) }
        try await server.close()
    }

    private final class Answer: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let text: String

        init(_ text: String) { self.text = text }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.writeAndFlush(NIOAny(ByteBuffer(string: text)), promise: nil)
        }
    }

    @Test("fails if nobody listens, if the server says nothing, and if it is no HTTP server")
    func unreachable() async throws {
        let closed = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(
            host: "127.0.0.1", port: 0
        )
        .get()
        let port = closed.localAddress?.port ?? 0
        try await closed.close()
        await #expect {
            try await WebSocketConnection.connect(to: #require(WebSocketURL("ws://127.0.0.1:\(port)")))
        } throws: {
            if case WebSocketError.unreachable = $0 { true } else { false }
        }

        for (greeting, expectsTimeout) in [("", true), ("SSH-2.0-OpenSSH_9.2\r\n", false)] {
            let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { channel in channel.pipeline.addHandler(Greeter(greeting)) }
                .bind(host: "127.0.0.1", port: 0).get()
            let url = try #require(WebSocketURL("ws://127.0.0.1:\(server.localAddress?.port ?? 0)"))
            var configuration = WebSocketConnection.Configuration()
            configuration.connectTimeout = expectsTimeout ? .milliseconds(50) : .seconds(10)
            await #expect {
                try await WebSocketConnection.connect(to: url, configuration: configuration)
            } throws: {
                if case WebSocketError.connectTimeout = $0 { expectsTimeout } else { !expectsTimeout }
            }
            try await server.close()
        }
    }

    private final class Greeter: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let greeting: String

        init(_ greeting: String) { self.greeting = greeting }

        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(NIOAny(ByteBuffer(string: greeting)), promise: nil)
        }
    }

    @Test("is given up when the connecting task is cancelled")
    func cancelled() async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(
            host: "127.0.0.1", port: 0
        )
        .get()
        let url = try #require(WebSocketURL("ws://127.0.0.1:\(server.localAddress?.port ?? 0)"))
        let task = Task { try await WebSocketConnection.connect(to: url) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        try await server.close()
    }
}

@Suite("A foreign WebSocket server", .enabled(if: hasPython, "tools/setup makes .venv"))
struct WebSocketInteropTests {
    /// Runs `Tests/Interop/websocket_echo.py` and gives its port to `body`.
    private func withServer(_ arguments: [String] = [], _ body: (Int) async throws -> Void) async throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Interop/websocket_echo.py").path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = [script] + arguments
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        defer { process.waitUntilExit() }
        defer { try? input.fileHandleForWriting.close() }  // ends it; if that fails the test hangs and says so
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        try await body(try #require(Int(line.filter(\.isNumber))))
    }

    private func exercise(_ url: String, _ configuration: WebSocketConnection.Configuration = .init()) async throws {
        let url = try #require(WebSocketURL(url))
        let connection = try await WebSocketConnection.connect(to: url, configuration: configuration)
        #expect(try await connection.receive() == .text("hello"))
        try await connection.send("é")
        #expect(try await connection.receive() == .text("é"))
        try await connection.send(.binary([0, 1, 255]))
        #expect(try await connection.receive() == .binary([0, 1, 255]))
        try await connection.send("both")
        let (first, second) = (try await connection.receive(), try await connection.receive())
        #expect(first?.bytes == second?.bytes)
        try await connection.send("big 3000000")
        #expect(try await connection.receive()?.bytes.count == 3_000_000)
        try await connection.send("close 4001")
        await #expect(throws: WebSocketError.closedByServer(code: 4001, reason: "as told")) {
            try await connection.receive()
        }
    }

    @Test("aiohttp speaks with us in plaintext")
    func plaintext() async throws {
        try await withServer { try await exercise("ws://127.0.0.1:\($0)/?greet=1") }
    }

    @Test("aiohttp speaks with us over TLS, and only if we trust it")
    func secure() async throws {
        let certificates = try Certificates.shared.get()
        try await withServer([certificates.server.chainPath, certificates.server.keyPath]) { port in
            var configuration = WebSocketConnection.Configuration()
            configuration.security = try certificates.clientSecurity {
                $0.applicationProtocols = .optional(["http/1.1"])
            }
            try await exercise("wss://localhost:\(port)/?greet=1", configuration)
            let url = try #require(WebSocketURL("wss://localhost:\(port)/"))
            await #expect {
                try await WebSocketConnection.connect(to: url)
            } throws: {
                "\($0)".contains("not trusted")
            }
        }
    }

    @Test("aiohttp refuses, and takes our fields")
    func refused() async throws {
        try await withServer { port in
            let refusing = try #require(WebSocketURL("ws://127.0.0.1:\(port)/no"))
            await #expect(throws: WebSocketError.refused(status: 403)) {
                try await WebSocketConnection.connect(to: refusing)
            }
            let protected = try #require(WebSocketURL("ws://127.0.0.1:\(port)/token"))
            var configuration = WebSocketConnection.Configuration()
            configuration.headers = [("authorization", "Bearer 7")]
            let connection = try await WebSocketConnection.connect(to: protected, configuration: configuration)
            await connection.close()
        }
    }
}
