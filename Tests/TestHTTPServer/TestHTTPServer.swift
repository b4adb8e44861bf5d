import NIOCore
import NIOPosix
import Synchronization

/// An HTTP/1.1 server on loopback that does exactly what a test says, also what no server should: it reads whole
/// requests and writes the bytes that a closure gives.
public final class TestHTTPServer: Sendable {
    public struct Request: Sendable {
        public var method: String
        public var target: String
        /// Names in lower case.
        public var headers: [(name: String, value: String)]
        public var body: [UInt8]

        public func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
    }

    public enum Reply: Sendable {
        /// Writes the bytes and keeps the connection.
        case bytes([UInt8])
        /// Writes the bytes and closes.
        case bytesThenClose([UInt8])
        /// Says nothing and keeps the connection.
        case silence

        /// A proper response with `Content-Length`.
        public static func response(
            _ status: Int = 200, headers: [(String, String)] = [], body: [UInt8] = []
        ) -> Reply {
            let lines = headers.map { "\($0): \($1)\r\n" }.joined()
            return .bytes(Array("HTTP/1.1 \(status) x\r\nContent-Length: \(body.count)\r\n\(lines)\r\n".utf8) + body)
        }

        public static func text(_ text: String) -> Reply { .response(body: Array(text.utf8)) }
    }

    public let port: Int
    private let channel: any Channel
    private let shared: Shared

    public var connectionCount: Int { shared.state.withLock { $0.connections } }
    public var requests: [Request] { shared.state.withLock { $0.requests } }
    public var url: String { "http://127.0.0.1:\(port)" }

    fileprivate final class Shared: Sendable {
        struct State {
            var connections = 0
            var requests: [Request] = []
            var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
        }
        let state = Mutex(State())
        let respond: @Sendable (Request) -> Reply

        init(respond: @escaping @Sendable (Request) -> Reply) { self.respond = respond }

        func note(_ request: Request) {
            let ready = state.withLock { state in
                state.requests.append(request)
                let count = state.requests.count
                let ready = state.waiters.filter { $0.count <= count }
                state.waiters.removeAll { $0.count <= count }
                return ready
            }
            for waiter in ready { waiter.continuation.resume() }
        }
    }

    public static func start(respond: @escaping @Sendable (Request) -> Reply) async throws -> TestHTTPServer {
        let shared = Shared(respond: respond)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                shared.state.withLock { $0.connections += 1 }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(shared: shared))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return TestHTTPServer(channel: channel, shared: shared)
    }

    private init(channel: any Channel, shared: Shared) {
        self.channel = channel
        self.shared = shared
        port = channel.localAddress?.port ?? 0
    }

    deinit { channel.close(promise: nil) }

    /// Frees the port; connections that are open stay.
    public func stop() async throws { try await channel.close().get() }

    /// Returns once `count` requests have come in.
    public func waitForRequests(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = shared.state.withLock { state in
                guard state.requests.count < count else { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}

private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let shared: TestHTTPServer.Shared
    private var received: [UInt8] = []

    init(shared: TestHTTPServer.Shared) { self.shared = shared }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytesView
        while let request = takeRequest() {
            shared.note(request)
            switch shared.respond(request) {
            case .bytes(let bytes):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
            case .bytesThenClose(let bytes):
                let channel = context.channel
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes))).whenComplete { _ in
                    channel.close(promise: nil)
                }
            case .silence:
                break
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func takeRequest() -> TestHTTPServer.Request? {
        let separator = Array("\r\n\r\n".utf8)
        guard let end = received.indices.first(where: { received[$0...].starts(with: separator) }) else { return nil }
        let lines = String(decoding: received[..<end], as: UTF8.self).split(separator: "\r\n")
        let words = (lines.first ?? "").split(separator: " ").map(String.init)
        let headers = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
            return (name: parts[0].lowercased(), value: parts.count > 1 ? String(parts[1].drop { $0 == " " }) : "")
        }
        let length = headers.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
        guard received.count >= end + 4 + length else { return nil }
        let body = Array(received[(end + 4)..<(end + 4 + length)])
        received.removeFirst(end + 4 + length)
        return .init(
            method: words.first ?? "", target: words.count > 1 ? words[1] : "", headers: headers, body: body)
    }
}
