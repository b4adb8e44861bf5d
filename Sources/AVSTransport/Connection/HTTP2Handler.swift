import AVSHTTP2
import AVSPrimitives
import Logging
import NIOCore

/// One HTTP/2 connection on a NIO channel: bytes between the socket and the session, timers, limits, and the end.
///
/// Lives on its channel's event loop and is touched there only (CON-8). A read becomes events, the delegate acts on
/// them and issues commands, and one drain at the end of the turn writes what they produced (SP-2).
final class HTTP2Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        case opening, open
        /// The last bytes are written; the peer's are read and dropped until it closes (DR-3).
        case lingering
        case closed
    }

    let loop: LoopContext
    let limits: ConnectionLimits
    let role: HTTP2Configuration.Role
    let time: any TimeSource
    let logger: Logger
    /// Not checked for overlapping access at run time: the session calls nothing of ours.
    @exclusivity(unchecked) var session: HTTP2Session
    var timers = ConnectionTimers()
    /// Holds this handler in turn, until the connection has ended.
    let delegate: any HTTP2Delegate

    var context: ChannelHandlerContext?
    @exclusivity(unchecked) var phase = Phase.opening
    var lastReceived: ContinuousClock.Instant
    var keepaliveSent: ContinuousClock.Instant?
    private let logsFrames: Bool
    private var abuse: AbuseGuard
    @exclusivity(unchecked) private var estimate: WindowEstimate?
    @exclusivity(unchecked) private var isReading = false
    private var isPumping = false
    @exclusivity(unchecked) private var isFlushQueued = false
    private var isReadSuspended = false
    private var wantsRead = false
    private var hasPeerSettings = false
    /// The one that the timer runs for.
    private var incompleteHeaders: StreamID?
    private var firstByte: UInt8?
    var armed: (timer: Scheduled<Void>, instant: ContinuousClock.Instant)?
    private var end: ConnectionEnd?
    /// What ``terminate(_:_:_:)`` is about; the flush of its GOAWAY may be the end already.
    private var pendingEnd: ConnectionEnd?

    init(
        role: HTTP2Configuration.Role, limits: ConnectionLimits, pings: PingPolicy, loop: LoopContext,
        time: any TimeSource, logger: Logger, delegate: any HTTP2Delegate
    ) throws(HTTP2Error) {
        self.role = role
        self.limits = limits
        self.loop = loop
        self.time = time
        self.logger = logger
        self.delegate = delegate
        var configuration = limits.http2
        configuration.notesFrames = limits.logsFrames && logger.logLevel == .trace
        logsFrames = configuration.notesFrames
        session = try HTTP2Session.open(role, configuration)
        var abuseLimits = limits.abuse
        // A server that answers in small frames is slow, and no danger to the client that called it (no_df_padding).
        if role == .client { abuseLimits.tinyData = .unlimited }
        abuse = AbuseGuard(limits: abuseLimits, pings: pings)
        estimate = limits.streamWindowLimitBytes.map {
            WindowEstimate(windowBytes: Int(limits.http2.streamWindowBytes), limitBytes: $0)
        }
        lastReceived = time.monotonic
    }

    var isActive: Bool { phase == .opening || phase == .open }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { start() }
    }

    func channelActive(context: ChannelHandlerContext) {
        start()
        context.fireChannelActive()
    }

    private func start() {
        guard phase == .opening, timers[.preface] == nil else { return }
        let now = time.monotonic
        lastReceived = now
        timers.set(.preface, now + limits.prefaceTimeout)
        timers.set(.settingsAcknowledgement, now + limits.settingsTimeout)
        if let keepalive = limits.keepaliveTime { timers.set(.keepalive, now + keepalive) }
        // Our SETTINGS go out at once (CON-2); a server's with the answer to the client's first bytes, which are on
        // their way: whoever speaks HTTP/1 here can read that answer, not being HTTP/2 (CON-1).
        if role == .client { flushNow() }
        arm()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        guard isActive, bytes.readableBytes > 0 else { return }
        isReading = true
        receive(bytes)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        if role == .client || firstByte != nil { flushNow() }  // TLS reads bytes of its own, see start()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        timers.set(.stalledSocket, context.channel.isWritable ? nil : time.monotonic + limits.stallTimeout)
        arm()
        if context.channel.isWritable { flushNow() }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            // HTTP/2 has no half-closed connections: whoever closes its side is gone (MAP-6).
            finish(.lost("the peer closed the connection"))
            context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(.lost("the connection failed: \(error)"))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(.lost("the peer closed the connection"))
        phase = .closed
        disarm()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish(.lost("the connection was closed"))
        phase = .closed
        disarm()
        self.context = nil
    }

    // MARK: Receiving

    private func receive(_ bytes: ByteBuffer) {
        loop.eventLoop.assertInEventLoop()  // CON-8
        lastReceived = time.monotonic
        loop.counters.bytesReceived += bytes.readableBytes
        firstByte = firstByte ?? bytes.getInteger(at: bytes.readerIndex)
        do throws(HTTP2Error) {
            defer { if logsFrames { logFrames() } }
            let events = try session.receive(bytes.readableBytesUInt8Span)
            // Before the events: what came with the answer to a PING came before it.
            if session.lastReadDataBytes > 0 { try measure(session.lastReadDataBytes) }
            for event in events { handle(event, of: bytes) }
        } catch {
            return sessionFailed(error)
        }
        checkLimits()
    }

    /// Begins to see what the connection carries, or goes on with it (FC-10).
    private func measure(_ bytes: Int) throws(HTTP2Error) {
        guard isActive, estimate?.received(bytes, at: lastReceived) == true else { return }
        try session.measure(ping: PingNumber.estimate)
    }

    private func growWindows() {
        guard isActive else { return }
        guard let bytes = estimate?.answered(at: lastReceived, mayGrow: delegate.mayGrowWindows) else { return }
        do throws(HTTP2Error) {
            try session.setStreamWindow(UInt32(clamping: bytes))
        } catch {
            return close(.refused("\(error)"))
        }
        loop.counters.windowGrowths += 1
        timers.set(.settingsAcknowledgement, lastReceived + limits.settingsTimeout)
        arm()
    }

    private func handle(_ event: HTTP2Event, of bytes: borrowing ByteBuffer) {
        switch event {
        case .settings where !hasPeerSettings:
            hasPeerSettings = true
            timers.set(.preface, nil)
            if phase == .opening { phase = .open }
        case .settingsAcknowledged:
            timers.set(.settingsAcknowledgement, nil)
        case .pingAcknowledged(PingNumber.estimate):
            growWindows()
        default: break
        }
        delegate.handle(event, of: bytes)
    }

    private func logFrames() {
        for note in session.takeNotes() { logger.trace("frame", metadata: ["frame": "\(note)"]) }
    }

    private func sessionFailed(_ error: HTTP2Error) {
        if error.isBadClientMagic, role == .server {
            answerForeignProtocol()
            return finish(.refused("the peer does not speak HTTP/2 with prior knowledge"))
        }
        // The library sends no GOAWAY for a fatal error (ATT-3), and its own limits are reached within one read.
        let counts = session.takeCounts()
        loop.counters.frames.add(counts)
        let violation = abuse.charge(counts, hasCalls: delegate.callCount > 0, at: lastReceived)
        let reason = violation?.rawValue ?? "\(error)"
        let code: HTTP2ErrorCode = violation != nil || error.isFlood ? .enhanceYourCalm : .protocolError
        loop.counters.count(reason, in: \.goAwaysSent)
        write(ByteBuffer(bytes: session.lastWords(code, reason)))
        close(.refused(reason))
    }

    /// Text for whoever tries HTTP/1 here, nothing for anyone else (CON-1).
    private func answerForeignProtocol() {
        guard let firstByte, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(firstByte) else {
            context?.close(promise: nil)
            return
        }
        let text = "this port speaks HTTP/2 with prior knowledge\n"
        write(
            ByteBuffer(
                string: "HTTP/1.1 505 HTTP Version Not Supported\r\nconnection: close\r\ncontent-type: text/plain\r\n"
                    + "content-length: \(text.utf8.count)\r\n\r\n\(text)"))
        linger()
    }

    private func checkLimits() {
        guard isActive else { return }
        let now = lastReceived
        let counts = session.takeCounts()
        loop.counters.frames.add(counts)
        if let violation = abuse.charge(counts, hasCalls: delegate.callCount > 0, at: now) {
            return terminate(.enhanceYourCalm, violation.rawValue, .refused(violation.rawValue))
        }
        let queued = session.queuedFrameCount
        if queued > limits.queuedFrameLimit * 10 {
            return terminate(
                .enhanceYourCalm, "too_many_queued_frames", .refused("the peer does not read what it causes"))
        }
        isReadSuspended = queued > limits.queuedFrameLimit || delegate.mustPauseReading()
        if session.incompleteHeaders != incompleteHeaders { watchHeaders(at: now) }
    }

    /// ATT-11: each section has its own time.
    private func watchHeaders(at now: ContinuousClock.Instant) {
        incompleteHeaders = session.incompleteHeaders
        timers.set(.headers, incompleteHeaders.map { _ in now + limits.headersTimeout })
        arm()
    }

    // MARK: Sending

    /// Flushes at the end of this turn of the loop.
    func scheduleFlush() {
        loop.eventLoop.assertInEventLoop()  // CON-8: whoever commands the session ends here
        guard !isReading, !isFlushQueued, phase != .closed else { return }
        isFlushQueued = true
        loop.scheduleFlush(self)
    }

    /// Writes what the session has, as long as the socket takes it (FC-8).
    func flushNow() {
        loop.eventLoop.assertInEventLoop()  // CON-8
        isFlushQueued = false
        guard isActive, let context, !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        var wrote = false
        let headersBefore = session.headersSent
        do throws(HTTP2Error) {
            while context.channel.isWritable, session.wantsDrain, try drainOnce(context) {
                wrote = true
                let events = session.takeEvents()
                for event in events { handle(event, of: ByteBuffer()) }
                guard isActive else { return }
                if !context.channel.isWritable { context.flush() }
            }
        } catch {
            return close(.refused("\(error)"))
        }
        let events = session.takeEvents()
        for event in events { handle(event, of: ByteBuffer()) }
        if wrote {
            context.flush()
            loop.counters.answersPerWrite.record(session.headersSent - headersBefore)
        }
        afterFlush()
    }

    /// Returns false if nothing came out.
    private func drainOnce(_ context: ChannelHandlerContext) throws(HTTP2Error) -> Bool {
        var buffer = loop.scratch
        loop.scratch = ByteBuffer()
        buffer.clear()
        try buffer.writeWithOutputRawSpan(minimumWritableBytes: HTTP2Session.outputRoomBytes) {
            output throws(HTTP2Error) in
            _ = try session.drain(into: &output)
        }
        if logsFrames { logFrames() }
        loop.counters.bytesSent += buffer.readableBytes
        guard buffer.readableBytes > 0 else {
            loop.scratch = buffer
            return false
        }
        // A small output is copied, so that a slow socket's queue holds what is in it and not a large buffer for each.
        if buffer.readableBytes < HTTP2Session.outputRoomBytes / 4 {
            context.write(wrapOutboundOut(ByteBuffer(bytes: buffer.readableBytesView)), promise: nil)
            loop.scratch = buffer
        } else {
            context.write(wrapOutboundOut(buffer), promise: nil)
        }
        return true
    }

    private func afterFlush() {
        guard isActive else { return }
        delegate.flushed()
        resumeReading()
        if session.isFinished { close(pendingEnd ?? naturalEnd) }
    }

    /// The library ends a connection by itself for what the peer did: a protocol error, mostly.
    private var naturalEnd: ConnectionEnd {
        guard let code = session.sentGoAway, code != .noError else { return .finished }
        return .refused("\(code)")
    }

    private func write(_ buffer: ByteBuffer) {
        context?.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    // MARK: The end

    /// GOAWAY with a reason, flush, close. Open calls end now (ATT-18).
    func terminate(_ code: HTTP2ErrorCode, _ reason: String, _ end: ConnectionEnd) {
        guard isActive else { return }
        pendingEnd = end
        loop.counters.count(reason, in: \.goAwaysSent)
        do throws(HTTP2Error) {
            try session.goAway(code, reason: reason)
            flushNow()
        } catch {
            logger.debug("no goaway", metadata: ["error": "\(error)"])
        }
        close(end)
    }

    /// Ends the connection after what is written already.
    func close(_ end: ConnectionEnd) {
        finish(end)
        linger()
    }

    /// Tells the delegate, once.
    func finish(_ end: ConnectionEnd) {
        guard self.end == nil else { return }
        self.end = end
        loop.counters.frames.add(session.takeCounts())
        if case .refused(let reason) = end { loop.counters.count(reason, in: \.connectionsRefused) }
        if isActive { phase = .lingering }
        delegate.connectionEnded(end)
    }

    private func linger() {
        guard phase != .closed, let context else { return }
        phase = .lingering
        for duty in ConnectionTimers.Duty.allCases { timers.set(duty, nil) }
        timers.set(.linger, time.monotonic + limits.lingerTimeout)
        arm()
        context.close(mode: .output, promise: nil)
    }
}

extension HTTP2Handler: Flushable {}

// MARK: - Reading

extension HTTP2Handler: ChannelOutboundHandler {
    /// Holds reads back while the peer makes us queue more than it takes (ATT-7).
    func read(context: ChannelHandlerContext) {
        if isReadSuspended {
            wantsRead = true
        } else {
            context.read()
        }
    }

    func resumeReading() {
        guard isReadSuspended, session.queuedFrameCount < limits.queuedFrameLimit / 2, !delegate.mustPauseReading()
        else {
            return
        }
        isReadSuspended = false
        guard wantsRead else { return }
        wantsRead = false
        context?.read()
    }
}

/// The numbers in our own PINGs, to tell their answers apart.
enum PingNumber {
    static let keepalive: UInt64 = 1
    static let drain: UInt64 = 2
    static let estimate: UInt64 = 3
}
