import NIOCore

/// A client's WebSocket connection (RFC 6455): messages in order, with backpressure both ways, kept alive by pings.
///
///     let connection = try await WebSocketConnection.connect(to: url)
///     try await connection.send(#"{"id":1,"method":"eth_subscribe","params":["newHeads"]}"#)
///     for try await message in connection.messages { … }     // until the server is done, else it throws
///     await connection.close()
///
/// When the last reference goes away without ``close()``, the connection is closed hard.
public final class WebSocketConnection: Sendable {
    public struct Configuration: Sendable {
        /// Further fields of the upgrade request, such as `authorization`.
        public var headers: [(name: String, value: String)] = []
        /// For `wss://`; nil trusts the system's roots. It must not require `h2`.
        public var security: TLSSecurity?
        /// Longest message in bytes, whole or in fragments; a block with many logs has some.
        public var messageLimitBytes = 16 << 20
        /// Fragments of one message; each costs memory beside its bytes.
        public var fragmentLimit = 4_096
        /// The socket is not read while this many messages wait for the reader …
        public var waitingMessagesLimit = 256
        /// … or messages of this many bytes together.
        public var waitingBytesLimit = 4 << 20
        /// TCP, TLS and upgrade together.
        public var connectTimeout = Duration.seconds(10)
        /// After this long without any frame a ping is sent.
        public var pingInterval = Duration.seconds(20)
        /// If nothing came this long after the ping, the connection is given up.
        public var pongTimeout = Duration.seconds(20)
        /// How long a close waits for the server's answer.
        public var closeTimeout = Duration.seconds(1)

        public init() {}
    }

    private let channel: any Channel
    private let handler: NIOLoopBound<WebSocketHandler>
    private let inbox: WebSocketInbox

    init(_ channel: any Channel, _ handler: NIOLoopBound<WebSocketHandler>, _ inbox: WebSocketInbox) {
        (self.channel, self.handler, self.inbox) = (channel, handler, inbox)
    }

    deinit { channel.close(promise: nil) }

    /// The next message, or nil when the server is done (it closed with 1000 or 1001, or we closed).
    ///
    /// - Throws: ``WebSocketError`` for any other end, also on later calls; `CancellationError` if the task is
    ///   cancelled, which loses no message.
    public func receive() async throws -> WebSocketMessage? {
        try await inbox.next { channel.eventLoop.execute { [handler] in handler.value.resumeReading() } }
    }

    /// All messages to come; each goes to one reader only.
    public var messages: Messages { Messages(connection: self) }

    public struct Messages: AsyncSequence, Sendable {
        public typealias Element = WebSocketMessage

        let connection: WebSocketConnection

        public struct AsyncIterator: AsyncIteratorProtocol {
            let connection: WebSocketConnection

            public mutating func next() async throws -> WebSocketMessage? { try await connection.receive() }
        }

        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(connection: connection) }
    }

    /// Sends a text and returns when the socket has taken it: a server that does not read slows its sender down.
    ///
    /// - Throws: ``WebSocketError/closed``, or the error of the socket.
    public func send(_ text: String) async throws { try await send(.text(text)) }

    /// The same for a message of either kind.
    public func send(_ message: WebSocketMessage) async throws {
        let promise = channel.eventLoop.makePromise(of: Void.self)
        channel.eventLoop.execute { [handler] in handler.value.send(message, promise) }
        try await promise.futureResult.get()
    }

    /// Says goodbye, waits a second at most for the server to do the same, and closes. Returns when that is done.
    public func close() async {
        channel.eventLoop.execute { [handler] in handler.value.close() }
        do {
            try await channel.closeFuture.get()
        } catch {
            return  // the future of a channel's end does not fail
        }
    }
}
