import NIOCore
import NIOWebSocket

/// A WebSocket connection after its upgrade, as the client sees it: messages up, control frames here.
///
/// Behind the frame decoder and the aggregator. Lives on its channel's event loop.
final class WebSocketHandler: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundIn = Never
    typealias OutboundOut = WebSocketFrame

    private enum Phase {
        case open
        /// Our close frame is out; the peer's is waited for.
        case closing
        case closed
    }

    private let configuration: WebSocketConnection.Configuration
    private let inbox: WebSocketInbox
    private var phase = Phase.open
    private var context: ChannelHandlerContext?
    private var lastReceived = NIODeadline.uptimeNanoseconds(0)
    private var awaitsPong = false
    private var timer: Scheduled<Void>?
    private var isFull = false
    private var wantsRead = false

    private init(_ configuration: WebSocketConnection.Configuration, inbox: WebSocketInbox) {
        self.configuration = configuration
        self.inbox = inbox
    }

    /// Adds itself and what it needs behind the frame decoder of `channel`, on its event loop.
    static func install(
        on channel: any Channel, _ configuration: WebSocketConnection.Configuration, inbox: WebSocketInbox
    ) throws -> WebSocketHandler {
        let handler = WebSocketHandler(configuration, inbox: inbox)
        let aggregator = NIOWebSocketFrameAggregator(
            minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: configuration.fragmentLimit,
            maxAccumulatedFrameSize: configuration.messageLimitBytes)
        try channel.pipeline.syncOperations.addHandlers(WebSocketFrameRules(), aggregator, handler)
        return handler
    }

    // MARK: Beginning and end

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        lastReceived = context.eventLoop.now
        schedule(TimeAmount(configuration.pingInterval))
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(.failure(.lost("the connection was closed")))
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(phase == .closing ? .success(()) : .failure(.lost("the server closed the connection without saying so")))
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // TLS said close_notify. A WebSocket has no half-closed connections.
        if let event = event as? ChannelEvent, event == .inputClosed { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let error as WebSocketViolation:
            fail(.protocolViolation(error.description), .protocolError)
        case NIOWebSocketError.invalidFrameLength, NIOWebSocketFrameAggregator.Error.accumulatedFrameSizeIsTooLarge,
            NIOWebSocketFrameAggregator.Error.tooManyFragments:
            fail(.messageTooLong(limit: configuration.messageLimitBytes), .messageTooLarge)
        case is NIOWebSocketError, is NIOWebSocketFrameAggregator.Error:
            fail(.protocolViolation("\(error)"), .protocolError)
        default:
            end(.failure(.lost("\(error)")))
            context.close(promise: nil)
        }
    }

    /// Tells the server what it did, and closes.
    private func fail(_ error: WebSocketError, _ code: WebSocketErrorCode) {
        guard phase != .closed else { return }
        if phase == .open { sendClose(code) }
        end(.failure(error))
        context?.close(promise: nil)
    }

    private func end(_ result: Result<Void, WebSocketError>) {
        guard phase != .closed else { return }
        phase = .closed
        timer?.cancel()
        timer = nil
        inbox.finish(result)
    }

    // MARK: Receiving

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        guard phase != .closed else { return }
        lastReceived = context.eventLoop.now
        awaitsPong = false
        switch frame.opcode {
        case .text:
            guard let text = String(validating: frame.data.readableBytesView, as: UTF8.self) else {
                return fail(.protocolViolation("a text is not valid UTF-8"), .dataInconsistentWithMessage)
            }
            deliver(.text(text))
        case .binary:
            deliver(.binary(Array(frame.data.readableBytesView)))
        case .ping:
            if phase == .open { send(.pong, frame.data) }
        case .pong:
            break
        case .connectionClose:
            receiveClose(frame.data)
        default:
            fail(.protocolViolation("unknown opcode"), .protocolError)
        }
    }

    private func deliver(_ message: WebSocketMessage) {
        if !inbox.push(message) { isFull = true }
    }

    private func receiveClose(_ data: ByteBuffer) {
        var data = data
        let code = data.readInteger(as: UInt16.self)
        let reason = String(decoding: data.readableBytesView.prefix(123), as: UTF8.self)
        let wasOpen = phase == .open
        if wasOpen { send(.connectionClose, ByteBuffer(integer: code ?? 1000)) }
        switch code {
        case 1000, 1001: end(.success(()))
        case _ where !wasOpen: end(.success(()))
        default: end(.failure(.closedByServer(code: code ?? 1005, reason: reason)))
        }
        // RFC 6455 lets the server close TCP first; there is nothing to gain from waiting for it.
        context?.close(promise: nil)
    }

    func read(context: ChannelHandlerContext) {
        if isFull {
            wantsRead = true
        } else {
            context.read()
        }
    }

    /// The reader has made room.
    func resumeReading() {
        isFull = false
        guard wantsRead else { return }
        wantsRead = false
        context?.read()
    }

    // MARK: Sending

    /// Fulfils `promise` when the socket has taken the message.
    func send(_ message: WebSocketMessage, _ promise: EventLoopPromise<Void>) {
        guard phase == .open, context != nil else { return promise.fail(WebSocketError.closed) }
        switch message {
        case .text(let text): send(.text, ByteBuffer(string: text), promise)
        case .binary(let bytes): send(.binary, ByteBuffer(bytes: bytes), promise)
        }
    }

    /// Says goodbye; the server has a second to answer.
    func close() {
        guard phase == .open else { return }
        sendClose(.normalClosure)
        phase = .closing
        timer?.cancel()
        schedule(TimeAmount(configuration.closeTimeout))
    }

    private func sendClose(_ code: WebSocketErrorCode) {
        var data = ByteBuffer()
        data.write(webSocketErrorCode: code)
        send(.connectionClose, data)
    }

    private func send(_ opcode: WebSocketOpcode, _ data: ByteBuffer, _ promise: EventLoopPromise<Void>? = nil) {
        guard let context else {
            promise?.fail(WebSocketError.closed)
            return
        }
        // A client's frames are masked, each with its own key (RFC 6455, 5.3).
        let frame = WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data)
        context.writeAndFlush(wrapOutboundOut(frame), promise: promise)
    }

    // MARK: Time

    private func schedule(_ delay: TimeAmount) {
        guard let context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: delay) { bound.value.timerFired() }
    }

    /// Any received frame counts as life, not only the pong.
    private func timerFired() {
        guard let context else { return }
        switch phase {
        case .closed: return
        case .closing:
            end(.success(()))
            context.close(promise: nil)
        case .open:
            let quiet = context.eventLoop.now - lastReceived
            let (interval, timeout) = (TimeAmount(configuration.pingInterval), TimeAmount(configuration.pongTimeout))
            if awaitsPong, quiet >= timeout {
                fail(.silent(seconds: quiet.nanoseconds / 1_000_000_000), .goingAway)
            } else if quiet >= interval {
                awaitsPong = true
                send(.ping, ByteBuffer())
                schedule(timeout)
            } else {
                schedule(interval - quiet)
            }
        }
    }
}

/// A frame that RFC 6455 does not let a server send.
struct WebSocketViolation: Error, CustomStringConvertible {
    let description: String
}

/// In front of the aggregator, which forgets these bits of the fragments that it joins.
final class WebSocketFrameRules: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = WebSocketFrame

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        if frame.maskKey != nil {
            context.fireErrorCaught(WebSocketViolation(description: "a frame is masked"))
        } else if frame.rsv1 || frame.rsv2 || frame.rsv3 {
            context.fireErrorCaught(WebSocketViolation(description: "a reserved bit is set without an extension"))
        } else {
            context.fireChannelRead(data)
        }
    }
}
