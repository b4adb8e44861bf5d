import AVSHTTP2
import AVSPrimitives
import AVSRPC
import NIOCore
import Synchronization

/// One call of a channel, from its start to its status, over as many streams as it takes (RT-2).
///
/// `@unchecked`: everything that changes is touched on the channel's event loop only; each entry from a task goes
/// there.
final class ClientStream: ClientCallChannel, @unchecked Sendable {
    private let core: ChannelCore
    private let eventLoop: any EventLoop
    private let fields: RequestFields
    private let kind: CallKind
    private let responseLimitBytes: Int
    let deadline: ContinuousClock.Instant?
    let waitsForReady: Bool

    private var call: ClientCall
    private var connection: ClientConnection?
    private var id: StreamID?
    private var timer: Scheduled<Void>?
    /// Requests that may have to be sent again, or have not been sent yet.
    private var kept: [OutgoingMessage] = []
    private var keptBytes = 0
    /// The answer has begun, or the requests have outgrown the buffer: the call is not sent again.
    private var isCommitted = false
    private var hasRetried = false
    private let retryPolicy: RetryPolicy?
    /// For interceptors; nil where there are none (CH-8).
    private let onEnd: (@Sendable (RPCStatus) -> Void)?
    /// Not a caller's but the connection's own, and with it over (HL-5).
    let isBound: Bool
    /// Mostly none.
    private let tracers: [any CallTracer]
    /// Attempts that were shown to tracers, and whether the last one goes on.
    private var attempts = 0
    private var isInAttempt = false
    /// Attempts that a policy asked for, after the first (RT-4).
    private var retries = 0
    private var retryTimer: Scheduled<Void>?
    private var hasEndedRequests = false
    /// Requests that are being compressed on other threads (CMP-10).
    private var compressing = 0
    private var waitsToInflate = false
    private var reader: Waiter<[UInt8]?>?
    private var writers: [Waiter<Void>] = []
    private(set) var isOver = false

    private let compressed = Atomic(false)
    let initialMetadata = Promise<Metadata>()
    let end = Promise<RPCStatus>()

    init(
        core: ChannelCore, kind: CallKind, fields: RequestFields, deadline: ContinuousClock.Instant?,
        waitsForReady: Bool, responseLimitBytes: Int, retryPolicy: RetryPolicy? = nil,
        isBound: Bool = false, tracers: [any CallTracer] = [], onEnd: (@Sendable (RPCStatus) -> Void)? = nil
    ) {
        self.core = core
        eventLoop = core.loop.eventLoop
        self.kind = kind
        self.fields = fields
        self.deadline = deadline
        self.waitsForReady = waitsForReady
        self.responseLimitBytes = responseLimitBytes
        self.retryPolicy = retryPolicy
        self.isBound = isBound
        self.tracers = tracers
        self.onEnd = onEnd
        call = ClientCall(kind: kind, limitBytes: responseLimitBytes)
    }

    private func onLoop(_ body: @escaping @Sendable () -> Void) {
        if eventLoop.inEventLoop { body() } else { eventLoop.execute(body) }
    }

    // MARK: From the caller

    /// Sends the call's headers as soon as there is a connection.
    func start() {
        onLoop {
            if let deadline = self.deadline {
                let left = self.core.time.monotonic.duration(to: deadline)
                guard left > .zero else { return self.close(Self.deadlineExceeded) }  // DL-2
                self.timer = self.eventLoop.scheduleTask(in: TimeAmount(left)) { self.close(Self.deadlineExceeded) }
            }
            self.core.open(self)
        }
    }

    private static let deadlineExceeded = RPCStatus(.deadlineExceeded, "the deadline passed")

    func cancel() { onLoop { self.close(RPCStatus(.cancelled, "the call was cancelled")) } }

    /// Queues a request and returns when the unsent bytes are under the limit (FC-7). The only one of a call waits for
    /// nothing, and its failure shows in the status.
    func write(_ message: [UInt8], compress: Bool = true) async throws {
        guard kind.streamsRequests else { return onLoop { self.send(message, nil, compress: compress) } }
        let waiter = Waiter<Void>()
        onLoop { self.send(message, waiter, compress: compress) }
        try await waiter.value()
    }

    /// Our half-close (MSG-11).
    func finishRequests() { onLoop { self.endRequests() } }

    /// The one request of a call that takes one, with the half-close behind it. Waits for nothing: the message is in
    /// memory, and a failure shows in the call's status.
    func sendSingle(_ message: [UInt8]) {
        onLoop {
            self.send(message, nil)
            self.endRequests()
        }
    }

    private func endRequests() {
        guard !isOver, !hasEndedRequests else { return }
        hasEndedRequests = true
        if compressing == 0 { endStream() }
    }

    private func endStream() {
        call.endOurSide()
        if let id { connection?.finish(id) }
    }

    func nextMessage() async throws -> [UInt8]? {
        let waiter = Waiter<[UInt8]?>()
        onLoop { self.wait(waiter) }
        return try await waiter.value()
    }

    /// The response that was taken last came compressed.
    var lastWasCompressed: Bool { compressed.load(ordering: .relaxed) }

    var responseMetadata: Metadata { get async throws { try await initialMetadata.value() } }

    var status: RPCStatus { get async throws { try await end.value() } }

    private func wait(_ waiter: Waiter<[UInt8]?>) {
        if let reader, !reader.isDecided {
            waiter.resume { .failure(RPCStatus(.internal, "two tasks read the responses of one call")) }
            return
        }
        reader = waiter
        deliver()
    }

    // MARK: Requests

    private func send(_ message: [UInt8], _ waiter: Waiter<Void>?, compress: Bool = true) {
        guard !isOver, !hasEndedRequests else {
            waiter?.resume { .failure(RPCStatus(.cancelled, "the call takes no more requests")) }  // STA-6
            return
        }
        let encoding = compress ? fields.encoding : .identity
        guard CompressionJobs.isWorthwhile(message, encoding) else {
            return queue(OutgoingMessage(message, encoding, core.loop.compressor), waiter)
        }
        compressing += 1  // the end of the requests waits for it
        core.compression.start(message, encoding) { compressed in
            self.eventLoop.execute { self.queueCompressed(compressed, waiter) }
        }
    }

    private func queueCompressed(_ message: OutgoingMessage, _ waiter: Waiter<Void>?) {
        compressing -= 1
        guard !isOver else {
            waiter?.resume { .failure(RPCStatus(.cancelled, "the call takes no more requests")) }
            return
        }
        queue(message, waiter)
        if compressing == 0, hasEndedRequests { endStream() }
    }

    private func queue(_ message: OutgoingMessage, _ waiter: Waiter<Void>?) {
        keep(message)
        let isUnderLimit =
            if let id, let connection {
                connection.send(message, id)
            } else {
                keptBytes <= core.configuration.limits.unsentLimitBytes  // until there is a connection
            }
        guard let waiter else { return }
        if isUnderLimit { waiter.resume() } else { writers.append(waiter) }
    }

    private func keep(_ message: OutgoingMessage) {
        if isCommitted, id != nil { return }
        kept.append(message)
        let count = message.bytes.count + MessageReader.prefixBytes
        keptBytes += count
        core.keptBytes += count
        if id != nil { commitIfLarge() }
    }

    /// Once its requests outgrow the buffers a call is not made again (RT-3).
    private func commitIfLarge() {
        let configuration = core.configuration
        if keptBytes > configuration.retryBufferBytes || core.keptBytes > configuration.retryBufferBytesOfChannel {
            commit()
        }
    }

    private func commit() {
        isCommitted = true
        forgetRequests()
    }

    private func forgetRequests() {
        kept = []
        core.keptBytes -= keptBytes
        keptBytes = 0
    }

    // MARK: From the channel

    /// Opens a stream on a connection that is ready, with everything that waits.
    func attach(_ connection: ClientConnection) {
        guard !isOver else { return }
        var fields = self.fields
        if let deadline { fields.timeout = core.time.monotonic.duration(to: deadline) }
        if retries > 0 { fields.setPreviousAttempts(retries) }
        if !tracers.isEmpty { beginAttempt(&fields.metadata, on: connection) }
        let endsAtOnce = hasEndedRequests && kept.isEmpty && compressing == 0
        guard let id = connection.open(self, fields, endsStream: endsAtOnce) else { return }
        self.connection = connection
        self.id = id
        var isUnderLimit = true
        for message in kept { isUnderLimit = connection.send(message, id) }
        if hasEndedRequests, compressing == 0, !endsAtOnce { connection.finish(id) }
        commitIfLarge()
        if isUnderLimit { becameWritable() }
    }

    /// The call cannot get a connection.
    func fail(_ status: RPCStatus) { close(status) }

    func becameWritable() {
        for writer in writers { writer.resume() }
        writers = []
    }

    func receive(_ fields: ResponseFields, endsStream: Bool) { act(on: call.receive(fields, endsStream: endsStream)) }

    func receive(_ bytes: Span<UInt8>) { act(on: call.receive(bytes)) }

    func receiveEnd() { act(on: call.receiveEnd()) }

    private func act(on step: ClientCall.Step) {
        guard !isOver else { return }
        if let status = call.status, tryAgain(after: status, isClosed: !step.wantsReset) { return }
        if !call.isUnanswered, !isCommitted { commit() }
        switch step {
        case .wait: break
        case .headers(let metadata): initialMetadata.fulfil(.success(metadata))
        case .ready: deliver()
        case .readyAndReset(let code):
            if let id { connection?.reset(id, HTTP2ErrorCode(rawValue: code)) }
            deliver()
        }
        credit()
        if call.hasEnded { stopWriting() }
        // An answer that is only an end has no headers to wait for, and perhaps nobody reads before they come.
        if let status = call.status { initialMetadata.fulfil(status.isOK ? .success(Metadata()) : .failure(status)) }
    }

    /// The stream is gone. One that the server did not process is opened again, once (RT-2, NG-19).
    func streamClosed(_ code: HTTP2ErrorCode) {
        guard !isOver, !call.hasEnded else { return }
        if code == .refusedStream, !hasRetried, retry() { return }
        let passed = deadline.map { $0 <= core.time.monotonic } ?? false
        let status = StatusMapping.status(resetCode: code.rawValue, deadlinePassed: passed)
        if !tryAgain(after: status, isClosed: true) { close(status, reset: false) }
    }

    /// The connection is gone (MAP-6).
    func connectionLost(_ reason: String) {
        guard !isOver, !call.hasEnded else { return }
        let status = RPCStatus(.unavailable, reason)
        if !tryAgain(after: status, isClosed: true) { close(status, reset: false) }
    }

    /// The connection went away before the call did; that costs nothing, and may happen any number of times (RT-2).
    func neverLeft() {
        guard !isOver, !call.hasEnded else { return }
        guard !isCommitted, !isBound else { return connectionLost("the connection took no more calls") }
        beginAgain(after: Self.unprocessed)
        core.open(self)
    }

    private func retry() -> Bool {
        guard call.isUnanswered, !isCommitted, !isBound else { return false }
        hasRetried = true
        beginAgain(after: Self.unprocessed)
        core.open(self)
        return true
    }

    private static let unprocessed = RPCStatus(.unavailable, "the server did not process the call")

    private func beginAgain(after status: RPCStatus) {
        endAttempt(with: status)
        connection = nil
        id = nil
        call = ClientCall(kind: kind, limitBytes: responseLimitBytes)
        if hasEndedRequests, compressing == 0 { call.endOurSide() }
    }

    /// Makes the call again if its policy wants that after `status` (RT-3…5).
    ///
    /// - Returns: false if `status` is how the call ends.
    private func tryAgain(after status: RPCStatus, isClosed: Bool) -> Bool {
        guard let retryPolicy, !call.hasHeaders, !status.isOK else { return false }
        let pushback = RetryPolicy.Pushback(status)
        let isRetryable = retryPolicy.retryableCodes.contains(status.code)
        if isRetryable || pushback == .never { core.retryThrottle.failed() }
        guard isRetryable, !isCommitted, retries + 1 < retryPolicy.maximumAttempts, core.retryThrottle.allowsRetries
        else { return false }
        let delay: Duration
        switch pushback {
        case .never: return false
        case .after(let asked): delay = asked
        case .none: delay = core.delay(of: retryPolicy, before: retries + 1)
        }
        retries += 1
        if let id { connection?.abandon(id, isClosed: isClosed) }
        beginAgain(after: status)
        retryTimer = eventLoop.scheduleTask(in: TimeAmount(delay)) {
            self.retryTimer = nil
            if !self.isOver { self.core.open(self) }
        }
        return true
    }

    // MARK: Tracing

    private func beginAttempt(_ metadata: inout Metadata, on connection: ClientConnection) {
        endAttempt(with: Self.unprocessed)  // one that found no room for its stream
        attempts += 1
        isInAttempt = true
        for tracer in tracers { tracer.attemptBegan(attempts, to: connection.peer, metadata: &metadata) }
    }

    private func endAttempt(with status: RPCStatus) {
        guard isInAttempt else { return }
        isInAttempt = false
        for tracer in tracers { tracer.attemptEnded(attempts, with: status) }
    }

    // MARK: Responses and the end

    private func deliver() {
        guard let reader else { return }
        reader.resume { takeMessage() }
        if reader.isDecided { self.reader = nil } else { credit() }
    }

    private func takeMessage() -> Result<[UInt8]?, any Error>? {
        if call.inflatesResponses, !mayInflate() { return nil }
        let (loop, inflated) = (core.loop, core.loop.compressor.inflatedBytes)
        defer { if call.inflatesResponses { loop.inflating.charge(loop.compressor.inflatedBytes - inflated) } }
        switch call.nextMessage(loop.compressor) {
        case .message(let bytes):
            compressed.store(call.lastWasCompressed, ordering: .relaxed)
            credit()
            return .success(bytes)
        case .wait: return nil
        case .end(let status):
            finish(status)
            return status.isOK ? .success(nil) : .failure(status)
        }
    }

    /// CMP-6, of a hostile server.
    private func mayInflate() -> Bool {
        if !call.hasMessage { return true }
        if waitsToInflate { return false }
        if core.loop.inflating.isOpen { return true }
        waitsToInflate = true
        core.loop.inflating.wait(self)
        return false
    }

    private func credit() {
        let count = call.takeCredit(callerIsWaiting: reader != nil)
        if count > 0, let id { connection?.credit(count, id) }
    }

    /// A local end: deadline, cancel, lost connection. Resets the stream if there is one (CAN-1).
    private func close(_ status: RPCStatus, reset: Bool = true) {
        guard !isOver else { return }
        if reset, let id, !(call.hasEnded && hasEndedRequests) { connection?.reset(id, .cancel) }
        call.close(status)
        stopWriting()
        deliver()
        finish(call.status ?? status)
    }

    private func stopWriting() {
        for writer in writers {
            writer.resume { .failure(RPCStatus(.cancelled, "the call has ended")) }
        }
        writers = []
        forgetRequests()
    }

    /// The caller has been told, or nobody listens.
    private func finish(_ status: RPCStatus) {
        guard !isOver else { return }
        isOver = true
        timer?.cancel()
        timer = nil
        retryTimer?.cancel()
        retryTimer = nil
        forgetRequests()
        if status.isOK { core.retryThrottle.succeeded() }
        connection = nil
        initialMetadata.fulfil(status.isOK ? .success(Metadata()) : .failure(status))
        end.fulfil(.success(status))
        onEnd?(status)
        endAttempt(with: status)
        for tracer in tracers { tracer.callEnded(with: status) }
    }
}

extension ClientStream: InflatingCall {
    func inflateTurnBegan() {
        waitsToInflate = false
        deliver()
    }
}
