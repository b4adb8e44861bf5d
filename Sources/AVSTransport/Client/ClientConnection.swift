import AVSHTTP2
import AVSPrimitives
import AVSRPC
import Logging
import NIOCore

/// The calls on one connection of a channel. Lives on the channel's event loop.
final class ClientConnection: HTTP2Delegate {
    /// Holds this connection in turn, until it has ended.
    private let core: ChannelCore
    private var handler: HTTP2Handler?
    /// Set before the connection is there; all there is to close before HTTP/2 begins.
    var channel: (any Channel)?
    private var streams = StreamTable<ClientStream>()
    private(set) var isReady = false
    /// Closed, maybe before there was anything to close: a name takes its time to resolve.
    private(set) var isClosing = false
    /// The server takes no further calls here.
    private(set) var isDraining = false
    /// No stream numbers are left, or its address is gone: closed when its last call has ended (LIM-5).
    private var isUsedUp = false
    /// Streams that are no caller's, and what they are for.
    private var ownCalls = 0
    private var healthWatch: HealthWatch?

    init(core: ChannelCore) {
        self.core = core
    }

    /// The server's address, as text.
    var peer: String { channel?.remoteAddress.map { "\($0)" } ?? "unknown" }

    func makeHandler(_ limits: ConnectionLimits) throws(HTTP2Error) -> HTTP2Handler {
        let handler = try HTTP2Handler(
            role: .client, limits: limits, pings: .unlimited, loop: core.loop, time: core.time, logger: core.logger,
            delegate: self)
        self.handler = handler
        handler.timers.set(.connect, core.time.monotonic + core.configuration.connectTimeout)
        return handler
    }

    // MARK: Events

    /// Of callers.
    var callCount: Int { streams.count - ownCalls }

    func mustPauseReading() -> Bool { false }

    func flushed() {}

    func isOpen(_ stream: StreamID) -> Bool { streams.contains(stream) }

    func handle(_ event: HTTP2Event, of bytes: borrowing ByteBuffer) {
        switch event {
        case .headers(let id, let block, let endsStream):
            guard let stream = streams[id] else { return }
            if block.isTruncated {
                handler?.session.reset(id, .cancel)
                return stream.fail(RPCStatus(.resourceExhausted, "the response's headers are over the limit"))
            }
            var fields = ResponseFields()
            block.forEach { name, value in fields.receive(name: name, value: value) }
            stream.receive(fields, endsStream: endsStream)
        case .data(let id, let range):
            streams[id]?.receive(bytes.readableBytesUInt8Span.extracting(range))
        case .endOfStream(let id):
            streams[id]?.receiveEnd()
        case .writable(let id):
            streams[id]?.becameWritable()
        case .closed(let id, let code):
            closed(id, code)
        case .headersNotSent(let id, let code):
            if HTTP2Error.neverLeft(code: code), let stream = remove(id) { return stream.neverLeft() }
            streams[id]?.fail(RPCStatus(.internal, "the request's headers could not be sent (\(code))"))
        case .settings where !isReady:
            isReady = true
            handler?.timers.set(.connect, nil)
            waitForIdle()
            core.connectionIsReady(self)
        case .goAway(_, let code, let debugData):
            isDraining = true
            endHealthWatch()  // it would keep the connection open
            core.connectionIsDraining(self, code, String(decoding: debugData, as: UTF8.self))
        case .settings:
            core.openWaiting()  // the limit may be another one
        case .settingsAcknowledged, .ping, .pingAcknowledged:
            break
        }
    }

    private func closed(_ id: StreamID, _ code: HTTP2ErrorCode) {
        if let stream = remove(id) { stream.streamClosed(code) }
        core.openWaiting()
        if callCount == 0 { waitForIdle() }
    }

    private func remove(_ id: StreamID) -> ClientStream? {
        guard let stream = streams.remove(id) else { return nil }
        if stream.isBound { ownCalls -= 1 }
        return stream
    }

    // MARK: Health

    /// Asks the server for its health from now on; what it says goes to the channel (HL-5).
    func watchHealth(of service: String) {
        let (core, eventLoop) = (core, core.loop.eventLoop)
        let connection = NIOLoopBound(self, eventLoop: eventLoop)
        healthWatch = HealthWatch(
            backoff: core.configuration.backoff, time: core.time, logger: core.logger,
            makeCall: {
                let call = core.healthCall()
                call.sendSingle(HealthBoard.watchRequest(for: service))
                eventLoop.execute { call.attach(connection.value) }
                return call
            },
            report: { health in eventLoop.execute { core.healthChanged(of: connection.value, health) } })
    }

    private func endHealthWatch() {
        healthWatch?.end()
        healthWatch = nil
    }

    private func waitForIdle() {
        if isUsedUp { return close("used up") }
        handler?.timers.set(.idle, core.time.monotonic + core.configuration.idleTimeout)
        handler?.arm()
    }

    func deadlinePassed(_ stream: StreamID) {}  // a call keeps its own, since it may outlive a connection

    func handle(_ duty: ConnectionTimers.Duty) {
        switch duty {
        case .connect: close("the server did not answer in \(core.configuration.connectTimeout)")
        case .idle: if callCount == 0 { close("idle") }
        case .preface, .settingsAcknowledgement, .headers, .keepalive, .keepaliveAnswer, .drainPing, .linger,
            .stalledSocket, .stalledStreams, .age, .ageGrace, .budget:
            break
        }
    }

    func connectionEnded(_ end: ConnectionEnd) {
        endHealthWatch()
        let streams = self.streams
        self.streams = StreamTable()
        ownCalls = 0
        handler = nil
        channel = nil
        core.connectionEnded(self, end)
        for (_, stream) in streams.all { stream.connectionLost(end.reason) }  // NG-4
    }

    // MARK: Commands

    /// Returns nil if the call went back to the channel or failed.
    func open(_ stream: ClientStream, _ fields: RequestFields, endsStream: Bool) -> StreamID? {
        guard let handler else {
            stream.fail(RPCStatus(.unavailable, "the connection is closed"))
            return nil
        }
        handler.pingIfQuiet()
        do throws(HTTP2Error) {
            let id = try handler.session.request(HeaderBlock { fields.write(into: &$0) }, endsStream: endsStream)
            streams.insert(stream, for: id)
            if stream.isBound { ownCalls += 1 } else { handler.timers.set(.idle, nil) }
            handler.scheduleFlush()
            return id
        } catch {
            if error.isStreamIDNotAvailable {
                isUsedUp = true
                isDraining = true
                core.connectionIsDraining(self, .noError, "out of stream numbers")
                core.open(stream)
            } else {
                stream.fail(RPCStatus(.unavailable, "the call could not be sent: \(error)"))
            }
            return nil
        }
    }

    func send(_ message: OutgoingMessage, _ id: StreamID) -> Bool {
        guard let handler else { return true }
        handler.session.send(message.bytes, after: ChunkLead(message), on: id)
        handler.scheduleFlush()
        let limit = core.configuration.limits.unsentLimitBytes
        if handler.session.unsentBytes(id) <= limit { return true }
        handler.session.notify(id, whenUnsentAtMost: limit)
        return false
    }

    func finish(_ id: StreamID) {
        handler?.session.finish(id, trailers: nil)
        handler?.scheduleFlush()
    }

    /// The server takes one more call here.
    var hasRoom: Bool {
        guard let handler, !isDraining else { return false }
        return streams.count < Int(clamping: handler.session.peerMaxConcurrentStreams)
    }

    /// The call goes on elsewhere; what is left of its stream concerns it no more.
    func abandon(_ id: StreamID, isClosed: Bool) {
        guard remove(id) != nil else { return }
        if !isClosed { reset(id, .cancel) }
        core.openWaiting()
        if callCount == 0 { waitForIdle() }
    }

    func reset(_ id: StreamID, _ code: HTTP2ErrorCode) {
        handler?.session.reset(id, code)
        handler?.scheduleFlush()
    }

    func credit(_ count: Int, _ id: StreamID) {
        handler?.session.consume(count, on: id)
        handler?.scheduleFlush()
    }

    func close(_ reason: String) {
        isClosing = true
        if let handler { return handler.terminate(.noError, reason, .closed(reason)) }
        channel?.close(promise: nil)
    }

    /// Ends when its last call has.
    func retire() {
        isDraining = true
        isUsedUp = true
        endHealthWatch()
        if callCount == 0 { close("the address is gone") }
    }

    /// There is no HTTP/2 handler to tell of the end.
    func handshakeFailed(_ error: any Error) { connectionEnded(.lost("TLS: \(error)")) }
}
