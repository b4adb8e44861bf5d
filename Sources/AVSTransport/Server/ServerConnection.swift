import AVSHTTP2
import AVSPrimitives
import AVSRPC
import DequeModule
import Logging
import NIOCore

/// The calls of one connection to a server. Lives on the connection's event loop, and what each call changes is not
/// checked for overlapping access at run time.
final class ServerConnection: HTTP2Delegate {
    enum Drain {
        case no
        /// GOAWAY that names no stream is out, and the PING behind it; new calls are still taken (DR-1).
        case announced
        /// GOAWAY with the last stream is out.
        case final
    }

    let service: ServiceBundle
    let loop: LoopContext
    let peer: Peer
    let logger: Logger
    /// Nearly always the next call's headers are the last one's to the byte, and need not be taken apart again.
    @exclusivity(unchecked) private(set) var lastRequest: AcceptedRequest?
    /// The section that ``lastRequest`` was made of; here and not in it, so that no call holds it.
    @exclusivity(unchecked) private var lastBlock = HeaderBlock()
    /// A larger section is not kept for the next call: an idle connection would hold it.
    private static let rememberedBytes = 1_024
    @exclusivity(unchecked) private(set) var handler: HTTP2Handler?
    @exclusivity(unchecked) private var streams = StreamTable<ServerStream>()
    /// The newest request's number.
    @exclusivity(unchecked) private var lastStream = StreamID.connection
    @exclusivity(unchecked) private var runningCalls = 0
    /// Calls whose handler may start when another one has returned (OV-2).
    @exclusivity(unchecked) private var waitingCalls: Deque<ServerStream> = []
    /// This connection waits for one of the places that all connections share.
    private var isInQueue = false
    /// Request bytes that no handler has taken.
    @exclusivity(unchecked) private var queuedBytes = 0
    /// What the server's budget knows of this connection.
    @exclusivity(unchecked) private var reportedBytes = 0
    var drain = Drain.no
    /// Goes into the second GOAWAY.
    var drainReason = ""
    private let onEnd: (ServerConnection) -> Void
    /// Of ``limits``, which is large.
    private let windowBytes: Int
    private let unsentLimitBytes: Int

    /// - Parameter onEnd: called once, when the connection is over; handlers may still be running.
    init(
        service: ServiceBundle, loop: LoopContext, peer: Peer, onEnd: @escaping (ServerConnection) -> Void
    ) {
        self.service = service
        self.loop = loop
        self.peer = peer
        self.onEnd = onEnd
        windowBytes = Int(service.configuration.limits.http2.streamWindowBytes)
        unsentLimitBytes = service.configuration.limits.unsentLimitBytes
        var logger = service.logger
        logger[metadataKey: "peer"] = "\(peer)"
        self.logger = logger
    }

    var limits: ConnectionLimits { service.configuration.limits }

    /// The channel handler for this connection. Call once.
    func makeHandler() throws(HTTP2Error) -> HTTP2Handler {
        let handler = try HTTP2Handler(
            role: .server, limits: limits, pings: service.configuration.pings, loop: loop, time: service.time,
            logger: logger, delegate: self)
        self.handler = handler
        let now = service.time.monotonic
        if let age = service.configuration.maximumAge {
            handler.timers.set(.age, now + age * Double.random(in: 0.9...1.1))  // KA-4
        }
        if let idle = service.configuration.maximumIdle { handler.timers.set(.idle, now + idle) }
        handler.timers.set(.stalledStreams, now + limits.stallTimeout)
        return handler
    }

    // MARK: Events

    var callCount: Int { streams.count }

    func isOpen(_ stream: StreamID) -> Bool { streams.contains(stream) }

    func handle(_ event: HTTP2Event, of bytes: borrowing ByteBuffer) {
        switch event {
        case .headers(let id, let block, let endsStream):
            if let stream = streams[id] {
                stream.receiveEnd()  // trailers of a client mean nothing but its end (HDR-12)
            } else if id > lastStream {
                lastStream = id
                accept(id, block, endsStream: endsStream)
            }  // else trailers, of a request that was answered at its headers
        case .data(let id, let range):
            streams[id]?.receive(bytes.readableBytesUInt8Span.extracting(range))
        case .endOfStream(let id):
            streams[id]?.receiveEnd()
        case .writable(let id):
            streams[id]?.becameWritable()
        case .closed(let id, _):
            closed(id)
        case .headersNotSent(let id, let code):
            logger.warning(
                "a header section could not be sent", metadata: ["stream": "\(id.rawValue)", "code": "\(code)"])
            headersNotSent(id, code)
        case .pingAcknowledged(PingNumber.drain):
            finishDrain()
        case .settings, .settingsAcknowledged, .ping, .pingAcknowledged, .goAway:
            break
        }
    }

    /// Without an answer the call would hang (NG-13). What was too large can be answered with less (LIM-3).
    private func headersNotSent(_ id: StreamID, _ code: Int) {
        guard code == HTTP2Error.headersTooLarge, let stream = streams[id], !stream.isOver else {
            handler?.session.reset(id, .internalError)
            return
        }
        stream.abandon()
        let status = RPCStatus(.resourceExhausted, "the metadata of the answer is too large to send")
        refuse(id, status.with(.never, limit: "size of the metadata that the client takes"))
    }

    private func closed(_ id: StreamID) {
        if let stream = streams.remove(id) {
            stream.abandon()  // does nothing to a call that has ended and whose handler has returned
            if stream.isWaiting { stopWaiting(stream) }
        }
        guard streams.isEmpty, let idle = service.configuration.maximumIdle else { return }
        handler?.timers.set(.idle, service.time.monotonic + idle)
        handler?.arm()
    }

    // MARK: New calls

    private func accept(_ id: StreamID, _ block: HeaderBlock, endsStream: Bool) {
        handler?.timers.set(.idle, nil)
        if id.rawValue > StreamID.maximum.rawValue / 4 * 3 { beginDrain("stream_ids") }  // LIM-5
        if let lastRequest, lastBlock == block { return begin(id, lastRequest, endsStream: endsStream) }
        var head = RequestHead(methods: service.methods, requiresTrailers: service.configuration.requiresTrailersField)
        block.forEach { name, value in head.receive(name: name, value: value) }
        if block.isTruncated {
            let limits = service.configuration.limits.http2
            head.markOversized(limitBytes: limits.headerListLimitBytes, fieldLimit: limits.headerFieldLimit)
        }
        switch head.verdict {
        case .http(let status, let text): refuse(id, httpStatus: status, head.isHead ? nil : text)
        case .refuse(let status):
            loop.counters.callEnded(method: -1, status.code)
            refuse(id, status, as: head.answersAs)
        case .refuseMalformed(let status):
            loop.counters.callEnded(method: -1, status.code)
            refuse(id, status, as: head.answersAs, httpStatus: 400)
        case .accept(let method):
            let request = AcceptedRequest(
                head, method, compressesResponses: service.configuration.compressesResponses)
            if block.sizeBytes <= Self.rememberedBytes { (lastRequest, lastBlock) = (request, block) }
            begin(id, request, endsStream: endsStream)
        }
    }

    private func begin(_ id: StreamID, _ request: AcceptedRequest, endsStream: Bool) {
        let method = request.method
        if service.budget.isSpent {
            loop.counters.callEnded(method: method.number, .resourceExhausted)
            return refuse(id, buffersAreFull, as: request.answersAs)
        }
        let now = handler?.lastReceived ?? service.time.monotonic  // one look at the clock for each read
        let deadline = request.timeout.map { now + $0 }
        if let deadline, deadline <= now {
            loop.counters.callEnded(method: method.number, .deadlineExceeded)
            return refuse(id, RPCStatus(.deadlineExceeded, "the deadline had passed"), as: request.answersAs)
        }
        let call = ServerCall(
            kind: method.kind,
            limitBytes: method.options.requestLimitBytes ?? service.configuration.requestLimitBytes,
            requestEncoding: request.encoding, responseEncoding: request.responseEncoding, windowBytes: windowBytes)
        let context = CallContext(request.head, peer: peer, deadline: deadline, receivedAt: service.time.now)
        let stream = ServerStream(id, on: self, request: request, call: call, context: context, began: now)
        streams.insert(stream, for: id)
        if let deadline { handler?.setDeadline(id, deadline) }
        if endsStream { stream.receiveEnd() } else { stream.act(on: .wait) }
    }

    // MARK: Handlers

    /// Whether a handler may start. If not, the call waits, or is refused: unprocessed where the connection has too
    /// many, so that its client may go elsewhere, and with a status where the server has (OV-2).
    func admitHandler(_ stream: ServerStream) -> Bool {
        if waitingCalls.isEmpty, hasRoom, service.handlers.begin() {
            runningCalls += 1
            return true
        }
        if waitingCalls.count >= service.configuration.maxWaitingCallsPerConnection {
            stream.refuse()
        } else if service.handlers.takeSeat() {
            waitingCalls.append(stream)
            stream.isWaiting = true
            startWaitingCalls()
        } else {
            let (running, waiting) = (service.configuration.maxRunningCalls, service.configuration.maxWaitingCalls)
            let text = "the server is busy: its limits are \(running) running and \(waiting) waiting calls"
            stream.end(with: passing(text, limit: "calls of all connections"))
        }
        return false
    }

    /// OV-3
    private var buffersAreFull: RPCStatus {
        passing(
            "the server's buffers are full: their limit is \(service.budget.limitBytes) bytes",
            limit: "buffered bytes of all connections")
    }

    /// A refusal that a second later may not be one any more.
    private func passing(_ text: String, limit: String) -> RPCStatus {
        RPCStatus(.resourceExhausted, text)
            .with(RetryAdvice(after: .seconds(1), spread: peer.address.hashValue), limit: limit)
    }

    private var hasRoom: Bool { runningCalls < service.configuration.maxRunningCallsPerConnection }

    func handlerReturned() {
        runningCalls -= 1
        service.handlers.end()  // first: others who wait for this place have waited longer
        startWaitingCalls()
    }

    /// Starts what may start now; for the rest the connection waits its turn, unless its own limit is what is reached.
    private func startWaitingCalls() {
        while hasRoom, !waitingCalls.isEmpty {
            guard service.handlers.begin() else { return joinQueue() }
            startFirst()
        }
    }

    private func joinQueue() {
        guard !isInQueue else { return }
        isInQueue = true
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        service.handlers.wait(ObjectIdentifier(self)) {
            bound.eventLoop.execute { bound.value.takePlace() }
        }
    }

    /// The turn of this connection: a place has been taken for it.
    private func takePlace() {
        isInQueue = false
        guard hasRoom, !waitingCalls.isEmpty else { return service.handlers.end() }
        startFirst()
        startWaitingCalls()
    }

    private func startFirst() {
        let stream = waitingCalls.removeFirst()
        service.handlers.leaveSeats(1)
        runningCalls += 1
        stream.startWaiting()
    }

    /// The call has ended before its handler could start.
    private func stopWaiting(_ stream: ServerStream) {
        let before = waitingCalls.count
        waitingCalls.removeAll { $0 === stream }
        service.handlers.leaveSeats(before - waitingCalls.count)
    }

    // MARK: Answers

    /// A whole answer without a message (RSP-2).
    func refuse(
        _ id: StreamID, _ status: RPCStatus, as type: ResponseHead.ContentType = .plain, httpStatus: Int = 200
    ) {
        let limit = peerHeaderLimit
        var isCut = false
        let block = HeaderBlock {
            isCut = ResponseHead.writeTrailersOnly(
                status, into: &$0, as: type, httpStatus: httpStatus, limitBytes: limit)
        }
        if isCut { logCut(id) }
        respond(id, block, endsStream: true)
    }

    /// An answer for those who do not speak gRPC (HDR-1, HDR-2).
    private func refuse(_ id: StreamID, httpStatus: Int, _ text: String?) {
        loop.counters.foreignAnswers += 1
        var block: HeaderBlock = [":status": "\(httpStatus)", "content-type": "text/plain"]
        if httpStatus == 405 { block.append("allow", "POST") }
        respond(id, block, endsStream: text == nil)
        guard let text else { return }
        handler?.session.send(Array(text.utf8), on: id)
        handler?.session.finish(id, trailers: nil)
    }

    private func logCut(_ id: StreamID) {  // RSP-7
        logger.warning("trailing metadata was too large and is left out", metadata: ["stream": "\(id.rawValue)"])
    }

    func sendHeaders(
        _ id: StreamID, as type: ResponseHead.ContentType, _ encoding: MessageEncoding, _ metadata: Metadata?
    ) {
        guard encoding != .identity || metadata?.isEmpty == false else {
            return respond(id) { session throws(HTTP2Error) in
                try session.respond(on: id, headers: type == .plain ? .plainResponse : .protoResponse)
            }
        }
        let block = HeaderBlock {
            ResponseHead.write(into: &$0, as: type, encoding: encoding, metadata: metadata ?? Metadata())
        }
        respond(id, block, endsStream: false)
    }

    /// Returns whether the stream's unsent bytes are under the limit; if not, ``ServerStream/becameWritable()``
    /// follows.
    func send(_ message: OutgoingMessage, _ id: StreamID) -> Bool {
        guard let handler else { return true }
        loop.counters.messagesSent += 1
        loop.counters.messageBytes.record(message.bytes.count)
        handler.session.send(message.bytes, after: ChunkLead(message), on: id)
        handler.scheduleFlush()
        flushed()
        if handler.session.unsentBytes(id) <= unsentLimitBytes { return true }
        handler.session.notify(id, whenUnsentAtMost: unsentLimitBytes)
        return false
    }

    func finish(_ id: StreamID, _ status: RPCStatus) {
        if status.isOK, status.metadata.isEmpty {
            handler?.session.finish(id, trailers: .okTrailers)
        } else {
            let limit = peerHeaderLimit
            var isCut = false
            let block = HeaderBlock { isCut = ResponseHead.writeTrailers(status, into: &$0, limitBytes: limit) }
            if isCut { logCut(id) }
            handler?.session.finish(id, trailers: block)
        }
        handler?.scheduleFlush()
    }

    func credit(_ count: Int, _ id: StreamID) {
        handler?.session.consume(count, on: id)
        handler?.scheduleFlush()
    }

    private func respond(_ id: StreamID, _ block: HeaderBlock, endsStream: Bool) {
        respond(id) { session throws(HTTP2Error) in
            try session.respond(on: id, headers: block, endsStream: endsStream)
        }
    }

    private func respond(_ id: StreamID, _ submit: (inout HTTP2Session) throws(HTTP2Error) -> Void) {
        guard let handler else { return }
        do throws(HTTP2Error) {
            try submit(&handler.session)
        } catch {
            logger.debug("no response sent", metadata: ["stream": "\(id.rawValue)", "error": "\(error)"])
            handler.session.reset(id, .internalError)
        }
        handler.scheduleFlush()
    }

    func reset(_ id: StreamID, _ code: HTTP2ErrorCode) {
        streams[id]?.abandon()
        handler?.session.reset(id, code)
        handler?.scheduleFlush()
    }

    private var peerHeaderLimit: Int { Int(clamping: handler?.session.peerHeaderListLimitBytes ?? .max) }

    // MARK: Buffers

    /// A stream has more or less that its handler has not taken.
    func queuedBytesChanged(by change: Int) {
        queuedBytes += change
        flushed()
    }

    func flushed() {
        let now = queuedBytes + (handler?.session.unsentBytes ?? 0)
        guard abs(now - reportedBytes) >= BufferBudget.stepBytes || now == 0 && reportedBytes != 0 else { return }
        report(now)
    }

    private func report(_ bytes: Int) {
        service.budget.report(change: bytes - reportedBytes)
        reportedBytes = bytes
    }

    /// The largest consumers are not read from while the budget is spent, and drained when it is spent twice (OV-3).
    func mustPauseReading() -> Bool {
        guard service.budget.isSpent, queuedBytes > Int(limits.http2.streamWindowBytes) else { return false }
        if service.budget.isOverspent { beginDrain("buffers_full") }
        if handler?.timers[.budget] == nil {  // others may free what this connection waits for
            handler?.timers.set(.budget, service.time.monotonic + .seconds(1))
            handler?.arm()
        }
        return true
    }

    /// Not while the budget is half spent, and not so far that the streams of one connection could spend it (FC-10).
    func mayGrowWindows(to bytes: Int) -> Bool {
        let limit = service.budget.limitBytes
        return service.budget.bytes <= limit / 2 && bytes <= limit / max(1, Int(limits.http2.maxConcurrentStreams))
    }

    // MARK: Time

    /// DL-4, unless the end is on its way already. The status goes out as trailers where they can go out at once, and
    /// only behind unsent messages it is a reset: measured with grpcio, a CANCEL that arrives a moment before the
    /// client's own timer fires is reported as CANCELLED.
    func deadlinePassed(_ id: StreamID) {
        guard let stream = streams[id], !stream.hasEnded else { return }
        if handler?.session.unsentBytes(id) == 0 {
            stream.end(with: RPCStatus(.deadlineExceeded, "the deadline passed"))
        } else {
            reset(id, .cancel)
        }
    }

    func handle(_ duty: ConnectionTimers.Duty) {
        switch duty {
        case .drainPing: finishDrain()
        case .idle: if streams.isEmpty { beginDrain("max_idle") }
        case .age:
            beginDrain("max_age")
            if let grace = service.configuration.maximumAgeGrace {
                handler?.timers.set(.ageGrace, service.time.monotonic + grace)
            }
        case .ageGrace: close("the connection was too old")
        case .stalledStreams: resetStalledStreams()
        case .budget: handler?.resumeReading()
        case .preface, .settingsAcknowledgement, .headers, .keepalive, .keepaliveAnswer, .linger, .stalledSocket,
            .connect:
            break
        }
    }

    /// A stream whose peer gave no window between two looks is given up (FC-9).
    private func resetStalledStreams() {
        guard let handler else { return }
        for (id, stream) in streams.all {
            let unsent = handler.session.unsentBytes(id)
            if unsent > 0, unsent == stream.unsentAtLastLook {
                logger.info("a stream stalled", metadata: ["stream": "\(id.rawValue)", "unsent": "\(unsent)"])
                reset(id, .cancel)
            }
            stream.unsentAtLastLook = unsent
        }
        handler.timers.set(.stalledStreams, service.time.monotonic + limits.stallTimeout)
    }

    // MARK: The end

    func connectionEnded(_ end: ConnectionEnd) {
        for (_, stream) in streams.all { stream.abandon() }  // NG-4
        streams = StreamTable()
        report(0)
        service.handlers.leaveSeats(waitingCalls.count)
        waitingCalls = []
        service.handlers.forget(ObjectIdentifier(self))
        switch end {
        case .refused(let reason): service.logRefusal(of: peer, reason)
        case .finished, .lost, .closed: logger.debug("connection ended", metadata: ["reason": "\(end.reason)"])
        }
        handler = nil
        onEnd(self)
    }
}
