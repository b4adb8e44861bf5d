import AVSTLS
import NIOCore

/// TLS between the socket and the handlers of the protocol above it, on one channel.
///
/// Those handlers are added when the handshake is complete, so they neither wait for it nor cost anything before
/// (ATT-14). What they write is encrypted at once; what they flush is flushed. Closing either way says close_notify
/// first, and an end without the peer's is an error (TLS-6).
///
/// Lives on its channel's event loop.
final class TLSHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Called once, when the handshake has come to its end.
    typealias Completion = (Result<TLSHandshake, any Error>) throws -> Void

    /// Answers to key updates may wait in the socket's queue up to this; then reading pauses. Nobody needs more than a
    /// few bytes of them, so only a peer that asks without reading gets here.
    static let unsolicitedOutputLimitBytes = 64 * 1024

    private var session: TLSSession
    private let timeout: TimeAmount
    private var completion: Completion?
    private var timer: Scheduled<Void>?
    private var inputEnded = false
    private var unsolicitedOutputBytes = 0
    private var wantsRead = false

    init(_ session: consuming TLSSession, timeout: Duration, completion: @escaping Completion) {
        self.session = session
        self.timeout = TimeAmount(timeout)
        self.completion = completion
    }

    // MARK: Beginning and end

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { start(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    private func start(_ context: ChannelHandlerContext) {
        guard timer == nil, completion != nil else { return }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: timeout) {
            let (handler, context) = bound.value
            handler.fail(TLSHandshakeTimeout(seconds: handler.timeout.nanoseconds / 1_000_000_000), context)
        }
        flushOutput(context)  // a client's hello
    }

    func channelInactive(context: ChannelHandlerContext) {
        endInput(context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        if timer != nil { complete(.failure(ChannelError.ioOnClosedChannel)) }
        completion = nil  // of a connection that never came to be, which whoever opened it knows
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard completion != nil else { return context.fireErrorCaught(error) }
        fail(error, context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else {
            return context.fireUserInboundEventTriggered(event)
        }
        endInput(context)
    }

    /// The socket's end, once: in order after close_notify, else a failure.
    private func endInput(_ context: ChannelHandlerContext) {
        guard !inputEnded else { return }
        do throws(TLSError) {
            try session.receiveEnd()
            reportEnd(context)
        } catch {
            fail(error, context)
        }
    }

    private func reportEnd(_ context: ChannelHandlerContext) {
        guard !inputEnded else { return }
        inputEnded = true
        guard completion == nil else { return fail(TLSError.truncated, context) }
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    /// Says why, once, and closes.
    private func fail(_ error: any Error, _ context: ChannelHandlerContext) {
        inputEnded = true
        flushOutput(context)  // the alert
        if completion != nil {
            complete(.failure(error))
        } else {
            context.fireErrorCaught(error)
        }
        context.close(promise: nil)
    }

    /// Returns false if what was to be built on the handshake could not be.
    @discardableResult
    private func complete(_ result: Result<TLSHandshake, any Error>) -> Bool {
        guard let completion else { return true }
        self.completion = nil
        timer?.cancel()
        timer = nil
        do {
            try completion(result)
            return true
        } catch {
            return false
        }
    }

    // MARK: Receiving

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let ciphertext = unwrapInboundIn(data)
        let received = session.receive(ciphertext.readableBytesUInt8Span)
        if completion == nil { unsolicitedOutputBytes += session.pendingOutputBytes }
        flushOutput(context)
        if let handshake = received.handshake, !complete(.success(handshake)) { return context.close(promise: nil) }
        if !received.plaintext.isEmpty {
            context.fireChannelRead(wrapInboundOut(context.channel.allocator.buffer(bytes: received.plaintext)))
        }
        if received.peerClosed { reportEnd(context) }
        if let failure = received.failure { fail(failure, context) }
    }

    func read(context: ChannelHandlerContext) {
        if unsolicitedOutputBytes > Self.unsolicitedOutputLimitBytes, !context.channel.isWritable {
            wantsRead = true
        } else {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            unsolicitedOutputBytes = 0
            if wantsRead {
                wantsRead = false
                context.read()
            }
        }
        context.fireChannelWritabilityChanged()
    }

    // MARK: Sending

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let plaintext = unwrapOutboundIn(data)
        do throws(TLSError) {
            try session.send(plaintext.readableBytesUInt8Span)
        } catch {
            promise?.fail(error)
            return
        }
        writeOutput(context, promise)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode != .input {
            session.close()
            flushOutput(context)
        }
        context.close(mode: mode, promise: promise)
    }

    private func flushOutput(_ context: ChannelHandlerContext) {
        guard session.pendingOutputBytes > 0 else { return }
        writeOutput(context, nil)
        context.flush()
    }

    private func writeOutput(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        let count = session.pendingOutputBytes
        var buffer = context.channel.allocator.buffer(capacity: count)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { session.readOutput(into: $0) }
        context.write(wrapOutboundOut(buffer), promise: promise)
    }
}

/// The peer did not complete its handshake in time (TLS-6).
struct TLSHandshakeTimeout: Error, CustomStringConvertible {
    let seconds: Int64

    var description: String { "no TLS handshake within \(seconds) s" }
}
