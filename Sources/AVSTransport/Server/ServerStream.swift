import AVSHTTP2
import AVSPrimitives
import AVSRPC
import NIOCore

/// One call on a server's connection: joins the stream, the call's state machine and the handler's task.
///
/// `@unchecked`: everything that changes is touched on the connection's event loop only; each entry from a task checks
/// that it is there, or goes there first. For the same reason what every call changes several times is not checked for
/// overlapping access at run time.
final class ServerStream: ServerCallChannel, RunnableCall, @unchecked Sendable {
    let id: StreamID
    private let connection: ServerConnection
    private let eventLoop: any EventLoop
    private let request: AcceptedRequest
    private let context: CallContext
    private let hasDeadline: Bool
    @exclusivity(unchecked) private var call: ServerCall
    private let inflatesRequests: Bool
    private var waitsToInflate = false
    @exclusivity(unchecked) private(set) var hasStarted = false
    /// For others on the connection to return (OV-2).
    var isWaiting = false
    /// While the handler runs.
    @exclusivity(unchecked) private var runner: CallRunner?
    /// What the context was told of the last request.
    private var wasCompressed = false
    @exclusivity(unchecked) private var reader: Waiter<[UInt8]?>?
    @exclusivity(unchecked) private var writers: [Waiter<Void>] = []
    private var blockedSince: ContinuousClock.Instant?
    /// Nothing of this call goes out or comes in any more; the handler may still be running (CAN-3).
    @exclusivity(unchecked) private(set) var isOver = false
    /// How the call ended for its caller; the handler's own end may come later and count for nothing.
    @exclusivity(unchecked) private var outcome: RPCStatus?
    private let began: ContinuousClock.Instant
    /// What of this call's requests the connection counts as queued.
    @exclusivity(unchecked) private var queuedBytes = 0
    /// For FC-9: what was unsent at the last look.
    var unsentAtLastLook = 0

    init(
        _ id: StreamID, on connection: ServerConnection, request: AcceptedRequest, call: ServerCall,
        context: CallContext, began: ContinuousClock.Instant
    ) {
        self.id = id
        self.connection = connection
        eventLoop = connection.loop.eventLoop
        self.request = request
        self.call = call
        inflatesRequests = call.requestEncoding != .identity
        self.context = context
        hasDeadline = context.deadline != nil
        self.began = began
    }

    // MARK: From the connection

    func receive(_ bytes: Span<UInt8>) { act(on: call.receive(bytes)) }

    func receiveEnd() { act(on: call.receiveEnd()) }

    /// Starts the handler if the call may (ATT-1), and gives it what there is.
    func act(on step: ServerCall.Step) {
        guard !isOver else { return }
        if case .fail(let status) = step { return end(with: status) }
        if !hasStarted, call.mayStart, !isWaiting { start() }
        if step == .ready { deliver() }
        credit()
    }

    /// Ends the call from outside the handler, which is cancelled.
    func end(with status: RPCStatus) {
        end(status)
        abandon()
    }

    /// There is a place for the handler now, and it is this call's. One that is over meanwhile gives it back in
    /// ``run(in:)``.
    func startWaiting() {
        isWaiting = false
        hasStarted = true
        connection.loop.start(self)
        act(on: .ready)
    }

    /// The handler cannot run now, and has not begun: the client may try elsewhere (OV-2).
    func refuse() {
        decide(RPCStatus(.unavailable, "refused unprocessed"))
        connection.reset(id, .refusedStream)
    }

    private func start() {
        guard connection.admitHandler(self) else { return }
        hasStarted = true
        connection.loop.start(self)
    }

    private func decide(_ status: RPCStatus) {
        guard outcome == nil else { return }
        outcome = status
        connection.loop.counters.callEnded(
            method: request.method.number, status.code, after: began.duration(to: connection.service.time.monotonic))
    }

    /// The stream is gone or given up: cancels the handler, fails what waits (CAN-2).
    func abandon() {
        guard !isOver else { return }
        isOver = true
        if !call.hasEnded { decide(RPCStatus(.cancelled, "the stream was reset or the connection lost")) }
        call.abandon()
        countQueued()
        runner?.task?.cancel()
        reader?.resume { .failure(CancellationError()) }
        for writer in writers { writer.resume { .failure(CancellationError()) } }
        reader = nil
        writers = []
    }

    /// The unsent bytes are below the limit (FC-7).
    func becameWritable() {
        if let blockedSince {
            connection.loop.counters.writeWaitMicroseconds.record(
                blockedSince.duration(to: connection.service.time.monotonic).microseconds)
            self.blockedSince = nil
        }
        for writer in writers { writer.resume() }
        writers = []
    }

    /// A handler that waits to write does not count as stalled by itself, the stream does (FC-9).
    var hasEnded: Bool { call.hasEnded }

    // MARK: The handler's task

    // Functions apart from each other: the frame of an asynchronous function has room for all that it may ever hold,
    // and stays for as long as the handler waits. What is not on every call's way lies in a frame of its own.

    @inline(never)
    nonisolated(nonsending) func run(in runner: CallRunner) async {
        guard !isOver else { return connection.handlerReturned() }
        self.runner = runner
        if hasDeadline { await respondWithinDeadline() } else { await respond() }
    }

    @inline(never)
    nonisolated(nonsending) private func respondWithinDeadline() async {
        await CallContext.$inheritedDeadline.withValue(context.deadline) { await respond() }
    }

    nonisolated(nonsending) private func respond() async {
        if connection.service.interceptors.isEmpty {
            await respond(context)
        } else if let admitted = await admitted() {
            let isIntercepted = !connection.service.callInterceptors.isEmpty
            if isIntercepted { await respondIntercepted(admitted) } else { await respond(admitted) }
        }
    }

    /// Asks the interceptors; nil after one has refused, which ends the call.
    @inline(never)
    nonisolated(nonsending) private func admitted() async -> CallContext? {
        var context = self.context
        do {
            for interceptor in connection.service.interceptors { try await interceptor.admit(&context) }
            return context
        } catch {
            finish(.failure(error), context)
            return nil
        }
    }

    @inline(never)
    nonisolated(nonsending) private func respondIntercepted(_ context: CallContext) async {
        do {
            let call = InterceptedCall(self, request.method, connection.service)
            finish(.success(try await call.answer(context)), context)
        } catch {
            finish(.failure(error), context)
        }
    }

    nonisolated(nonsending) private func respond(_ context: CallContext) async {
        do {
            switch request.method.handler {
            case .unary(let respond):
                // Nearly always there already; then nothing is awaited.
                let ready = eventLoop.inEventLoop ? takeMessage() : nil
                guard let message = if let ready { try ready.get() } else { try await nextMessage() } else {
                    throw RPCStatus(.unimplemented, "the call carried no request")
                }
                finish(.success(try await respond(message, context)), context)
            case .streaming(let respond):
                try await respond(self, context)
                finish(.success(nil), context)
            }
        } catch {
            finish(.failure(error), context)
        }
    }

    private func finish(_ result: Result<[UInt8]?, any Error>, _ context: CallContext) {
        if eventLoop.inEventLoop { return returned(result, context) }
        eventLoop.execute { self.returned(result, context) }
    }

    /// The handler has returned.
    private func returned(_ result: Result<[UInt8]?, any Error>, _ context: CallContext) {
        runner = nil
        switch result {
        case .success(let answer?):
            if answer.count >= CompressionJobs.worthwhileBytes, endLater(answer, context) { return }
            end(.ok) { call.write(answer, compress: true, connection.loop.compressor) }
            ended(.ok, context)
        case .success(nil):
            end(.ok)
            ended(.ok, context)
        case .failure(let error):
            let status = connection.service.status(of: error, in: context)
            end(status)
            ended(status, context)
        }
    }

    /// Returns false if the answer can go out now. The handler's place is taken until it has gone.
    private func endLater(_ answer: [UInt8], _ context: CallContext) -> Bool {
        compressBeside(answer) { stream, answer in
            stream.end(.ok) { stream.call.write(answer) }
            stream.ended(.ok, context)
        }
    }

    private func ended(_ status: RPCStatus, _ context: CallContext) {
        for interceptor in connection.service.interceptors { interceptor.ended(context, with: outcome ?? status) }
        connection.handlerReturned()
    }

    private func onLoop(_ body: @escaping @Sendable () -> Void) {
        if eventLoop.inEventLoop { body() } else { eventLoop.execute(body) }
    }

    // MARK: Requests

    func nextMessage() async throws -> [UInt8]? {
        if eventLoop.inEventLoop, let result = takeMessage() { return try result.get() }
        let waiter = Waiter<[UInt8]?>()
        onLoop { self.wait(waiter) }
        return try await waiter.value()
    }

    private func wait(_ waiter: Waiter<[UInt8]?>) {
        if let reader, !reader.isDecided {
            waiter.resume { .failure(RPCStatus(.internal, "two tasks read the requests of one call")) }
            return
        }
        reader = waiter
        deliver()
        credit()
    }

    private func deliver() {
        guard let reader else { return }
        reader.resume { takeMessage() }
        if reader.isDecided { self.reader = nil }
    }

    /// Nil when there is nothing yet.
    private func takeMessage() -> Result<[UInt8]?, any Error>? {
        if isOver { return .failure(CancellationError()) }
        if inflatesRequests, !mayInflate() { return nil }
        let (loop, inflated) = (connection.loop, connection.loop.compressor.inflatedBytes)
        defer { if inflatesRequests { loop.inflating.charge(loop.compressor.inflatedBytes - inflated) } }
        switch call.nextMessage(loop.compressor) {
        case .message(let bytes):
            if call.lastWasCompressed != wasCompressed { noteCompression() }
            loop.counters.messagesReceived += 1
            loop.counters.messageBytes.record(bytes.count)
            credit()
            return .success(bytes)
        case .end: return .success(nil)
        case .wait: return nil
        case .fail(let status): return .failure(status)
        }
    }

    private func mayInflate() -> Bool {
        if !call.hasMessage { return true }
        if waitsToInflate { return false }
        if connection.loop.inflating.isOpen { return true }
        waitsToInflate = true
        connection.loop.inflating.wait(self)
        return false
    }

    private func noteCompression() {
        wasCompressed = call.lastWasCompressed
        context.noteRequest(wasCompressed: wasCompressed)
    }

    private func credit() {
        let count = call.takeCredit(handlerIsWaiting: reader != nil)
        if count > 0 { connection.credit(count, id) }
        countQueued()
    }

    private func countQueued() {
        let now = isOver ? 0 : call.queuedBytes
        guard now != queuedBytes else { return }
        connection.queuedBytesChanged(by: now - queuedBytes)
        queuedBytes = now
    }

    // MARK: Responses

    func write(_ message: [UInt8], compress: Bool) async throws {
        let waiter = Waiter<Void>()
        if eventLoop.inEventLoop, message.count < CompressionJobs.worthwhileBytes {
            if try send(message, compress: compress) { return }
            wait(toWrite: waiter)
        } else {
            onLoop { self.send(message, compress: compress, for: waiter) }
        }
        try await waiter.value()
    }

    private func wait(toWrite waiter: Waiter<Void>) {
        if writers.isEmpty { blockedSince = connection.service.time.monotonic }
        writers.append(waiter)
    }

    private func send(_ message: [UInt8], compress: Bool, for waiter: Waiter<Void>) {
        if compress, message.count >= CompressionJobs.worthwhileBytes {
            let isLate = compressBeside(message) { stream, message in
                stream.resume(waiter) { try stream.send(stream.call.write(message)) }
            }
            if isLate { return }
        }
        resume(waiter) { try send(message, compress: compress) }
    }

    private func resume(_ waiter: Waiter<Void>, after send: () throws -> Bool) {
        do {
            if try send() { waiter.resume() } else { wait(toWrite: waiter) }
        } catch {
            waiter.resume { .failure(error) }
        }
    }

    /// Returns whether the stream's unsent bytes are under the limit.
    private func send(_ message: [UInt8], compress: Bool) throws -> Bool {
        if !call.hasBegun { apply(context.responseMetadata) }
        return try send(call.write(message, compress: compress, connection.loop.compressor))
    }

    private func send(_ output: ServerCall.Output?) throws -> Bool {
        guard !isOver, let output else { throw CancellationError() }
        if output.needsHeaders { sendHeaders(context.responseMetadata) }
        return connection.send(output.message, id)
    }

    /// Has a large message compressed on another thread (CMP-10). Returns false if it goes out as it is.
    ///
    /// - Parameter then: called on the loop, later; the call may be over by then.
    private func compressBeside(
        _ message: [UInt8], then next: @escaping @Sendable (ServerStream, OutgoingMessage) -> Void
    ) -> Bool {
        if isOver { return false }
        if !call.hasBegun { apply(context.responseMetadata) }
        guard CompressionJobs.isWorthwhile(message, call.responseEncoding) else { return false }
        connection.service.compression.start(message, call.responseEncoding) { compressed in
            self.eventLoop.execute { next(self, compressed) }
        }
        return true
    }

    /// What the handler said of compression, before the headers say it.
    private func apply(_ metadata: CallContext.ResponseMetadata?) {
        guard let isWanted = metadata?.isCompressed else { return }
        call.setResponseEncoding(isWanted ? request.compression : .identity)
    }

    func sendHeaders() async throws {
        let waiter = Waiter<Void>()
        onLoop {
            guard !self.isOver else { return waiter.resume { .failure(CancellationError()) } }
            let metadata = self.context.responseMetadata
            self.apply(metadata)
            if self.call.sendHeaders() { self.sendHeaders(metadata) }
            waiter.resume()
        }
        try await waiter.value()
    }

    /// Our end: the message of a unary call, then the status, in the form that fits what is out already (RSP-2).
    private func end(_ status: RPCStatus, with answer: () -> ServerCall.Output? = { nil }) {
        guard !isOver else { return }
        decide(status)
        let metadata = context.responseMetadata
        apply(metadata)
        if let output = answer() {
            sendHeaders(metadata)
            _ = connection.send(output.message, id)
        }
        switch call.end() {
        case .trailersOnly where status.isOK && metadata?.initial.isEmpty == false:  // that wants a section of its own
            sendHeaders(metadata)
            connection.finish(id, status.adding(metadata?.trailing))
        case .trailersOnly:
            // A failure before the first message is one section, whatever was set: clients may retry it (RSP-2).
            connection.refuse(id, status.adding(metadata?.trailing).adding(metadata?.initial), as: request.answersAs)
        case .trailers:
            connection.finish(id, status.adding(metadata?.trailing))
        case .ignored: break
        }
    }

    private func sendHeaders(_ metadata: CallContext.ResponseMetadata?) {
        connection.sendHeaders(id, as: request.answersAs, call.responseEncoding, metadata?.initial)
    }
}

extension ServerStream: InflatingCall {
    func inflateTurnBegan() {
        waitsToInflate = false
        deliver()
        credit()
    }
}

extension RPCStatus {
    /// With metadata in front of its own.
    fileprivate func adding(_ metadata: Metadata?) -> RPCStatus {
        guard let metadata, !metadata.isEmpty else { return self }
        var status = self
        status.metadata = metadata
        status.metadata.append(contentsOf: self.metadata)
        return status
    }
}
