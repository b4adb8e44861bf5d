import AVSHTTP2
import AVSRPC
import FuzzInputs

/// Bytes that a client sends, into a server's session with calls on it, the way AVSTransport joins the two.
struct HTTP2ServerTarget: Target {
    static let name = "http2-server"
    static let share = 240

    private let methods = MethodTable([
        RPCMethod.unary(MethodPath(service: "test.Service", method: "Echo"), request: .bytes, response: .bytes) {
            request, _ in request
        }
    ])
    private let compressor = MessageCompressor()

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        mutate(seed, splicing: other, &random, as: Frames.shape(preamble: 24))
    }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        var configuration = HTTP2Configuration()
        configuration.streamWindowBytes = random.oneIn(2) ? 65_535 : 1_024
        var session = try opened(.server, configuration)
        var calls = StreamTable<ServerCall>()
        try feed(input, into: &session, &random) { event, bytes, session, random in
            switch event {
            case .headers(let stream, let block, _): begin(stream, block, &session, &calls)
            case .data(let stream, let range):
                calls.update(stream) { _ = $0.receive(bytes.span.extracting(range)) }
                if random.oneIn(2) { session.consume(range.count, on: stream) }
                answer(stream, &session, &calls, &random)
            case .endOfStream(let stream):
                calls.update(stream) { _ = $0.receiveEnd() }
                answer(stream, &session, &calls, &random)
            case .closed(let stream, _): calls.remove(stream)
            default: break
            }
        }
    }

    private func begin(
        _ stream: StreamID, _ block: HeaderBlock, _ session: inout HTTP2Session, _ calls: inout StreamTable<ServerCall>
    ) {
        guard !calls.contains(stream) else {
            calls.update(stream) { _ = $0.receiveEnd() }
            return
        }
        var head = RequestHead(methods: methods)
        block.forEach { name, value in head.receive(name: name, value: value) }
        if block.isTruncated { head.markOversized(limitBytes: 4_096, fieldLimit: 64) }
        switch head.verdict {
        case .accept:
            let call = ServerCall(kind: .bidirectional, limitBytes: 4_096, requestEncoding: head.encoding)
            calls.insert(call, for: stream)
        case .refuse(let status):
            let answer = HeaderBlock(status)
            allow { () throws(HTTP2Error) in try session.respond(on: stream, headers: answer, endsStream: true) }
        case .refuseMalformed: session.reset(stream, .protocolError)
        case .http(let status, _):
            allow { () throws(HTTP2Error) in
                try session.respond(on: stream, headers: [":status": "\(status)"], endsStream: true)
            }
        }
    }

    /// Does one of the things a handler may do with what has come.
    private func answer(
        _ stream: StreamID, _ session: inout HTTP2Session, _ calls: inout StreamTable<ServerCall>,
        _ random: inout Generator
    ) {
        let next = calls.update(stream) { $0.nextMessage(compressor) } ?? .wait
        let credit = calls.update(stream) { $0.takeCredit(handlerIsWaiting: true) } ?? 0
        session.consume(credit, on: stream)
        switch next {
        case .message(let bytes):
            let headers: HeaderBlock = [":status": "200", "content-type": "application/grpc"]
            if calls.update(stream, { $0.sendHeaders() }) == true {
                allow { () throws(HTTP2Error) in try session.respond(on: stream, headers: headers) }
            }
            session.send(bytes, after: ChunkLead(0, UInt32(bytes.count)), on: stream)
            if random.oneIn(8) { session.reset(stream, .cancel) }
        case .end: session.finish(stream, trailers: ["grpc-status": "0"])
        case .fail: session.reset(stream, .internalError)
        case .wait: if random.oneIn(4) { session.finish(stream, trailers: ["grpc-status": "0"]) }
        }
    }
}

/// Bytes that a server sends, into a client's session with two calls on it.
struct HTTP2ClientTarget: Target {
    static let name = "http2-client"
    static let share = 110

    private let compressor = MessageCompressor()

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        mutate(seed, splicing: other, &random, as: Frames.shape(preamble: 0))
    }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        var session = try opened(.client, HTTP2Configuration())
        var calls = StreamTable<ClientCall>()
        let head: HeaderBlock = [":method": "POST", ":scheme": "http", ":path": "/a/b", ":authority": "x"]
        for _ in 0..<2 {
            allow { () throws(HTTP2Error) in
                let stream = try session.request(head, endsStream: false)
                session.send([1, 2, 3], after: ChunkLead(0, 3), on: stream)
                session.finish(stream, trailers: nil)
                calls.insert(ClientCall(kind: .serverStreaming, limitBytes: 4_096), for: stream)
            }
        }
        try feed(input, into: &session, &random) { event, bytes, session, _ in
            switch event {
            case .headers(let stream, let block, let endsStream):
                var fields = ResponseFields()
                block.forEach { name, value in fields.receive(name: name, value: value) }
                calls.update(stream) { _ = $0.receive(fields, endsStream: endsStream) }
            case .data(let stream, let range):
                calls.update(stream) { call in
                    _ = call.receive(bytes.span.extracting(range))
                    _ = call.nextMessage(compressor)
                    session.consume(call.takeCredit(callerIsWaiting: true), on: stream)
                }
            case .endOfStream(let stream): calls.update(stream) { _ = $0.receiveEnd() }
            case .closed(let stream, _): calls.remove(stream)
            default: break
            }
        }
    }
}

/// Header blocks: one request whose fields are the input, cut into HEADERS and CONTINUATION frames at random.
struct HeaderCompressionTarget: Target {
    static let name = "hpack"
    static let share = 110

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        var input = seed
        if random.oneIn(3) { input += Frames.headers(&random) }
        for _ in 0...random.below(4) { Mutation.change(&input, &random, splicing: other) }
        return input
    }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        var session = try opened(.server, HTTP2Configuration())
        let cuts = Mutation.cuts(input.count, &random).prefix(24)
        var bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Frames.frame(4, 0, 0, [])
        for (index, cut) in cuts.enumerated() {
            let flags: UInt8 = index == cuts.count - 1 ? 4 : 0
            bytes += Frames.frame(index == 0 ? 1 : 9, flags, 1, Array(input[cut].prefix(16_384)))
        }
        var sections = 0
        try feed(bytes, into: &session, &random) { event, _, _, _ in
            guard case .headers(_, let block, _) = event else { return }
            sections += 1
            var count = 0
            block.forEach { name, value in count += name.count + value.count + 32 }
            if count != block.sizeBytes || count > HTTP2Configuration().headerListLimitBytes { sections += 1 }
        }
        if sections > 1 { throw Finding("a header section was reported twice, or over its limit") }
    }
}

// MARK: - Driving a session

private func opened(
    _ role: HTTP2Configuration.Role, _ configuration: HTTP2Configuration
) throws(Finding) -> HTTP2Session {
    do throws(HTTP2Error) {
        return try HTTP2Session.open(role, configuration)
    } catch {
        throw Finding("no session: \(error)")
    }
}

/// What the library may refuse, since the peer may have ended the stream or the connection.
private func allow(_ body: () throws(HTTP2Error) -> Void) {
    do throws(HTTP2Error) { try body() } catch { return }
}

/// Feeds an input piece by piece, hands over the events, drains, as a connection does.
private func feed(
    _ input: [UInt8], into session: inout HTTP2Session, _ random: inout Generator,
    _ handle: (HTTP2Event, [UInt8], inout HTTP2Session, inout Generator) -> Void
) throws(Finding) {
    var guardian = AbuseGuard(pings: PingPolicy())
    let start = ContinuousClock.now
    var output = [UInt8](repeating: 0, count: HTTP2Session.outputRoomBytes)
    do throws(HTTP2Error) {
        for cut in Mutation.cuts(input.count, &random) {
            let piece = Array(input[cut])
            for event in try session.receive(piece.span) { handle(event, piece, &session, &random) }
            _ = guardian.charge(session.takeCounts(), hasCalls: true, at: start)
            if random.oneIn(32) { try session.ping(7) }
            if random.oneIn(64) { try session.announceShutdown(ping: 8) }
            if random.oneIn(64) { try session.goAway(.noError) }
            if random.oneIn(2) { try drain(&session, into: &output) }
            for event in session.takeEvents() { handle(event, [], &session, &random) }
            if session.isFinished { return }
        }
        try drain(&session, into: &output)
        _ = session.takeEvents()
    } catch {
        _ = session.lastWords(.protocolError, "\(error)")
    }
}

private func drain(_ session: inout HTTP2Session, into output: inout [UInt8]) throws(HTTP2Error) {
    var mayHaveMore = true
    for _ in 0..<64 where mayHaveMore {
        let result: Result<Bool, HTTP2Error> = output.withUnsafeMutableBytes { room in
            var span = OutputRawSpan(buffer: room, initializedCount: 0)
            do throws(HTTP2Error) {
                let more = try session.drain(into: &span)
                return .success(more && span.byteCount > 0)
            } catch {
                return .failure(error)
            }
        }
        mayHaveMore = try result.get()
    }
}

extension HeaderBlock {
    fileprivate init(_ status: RPCStatus) {
        struct Sink: FieldSink {
            var block = HeaderBlock()
            mutating func append(name: Span<UInt8>, value: Span<UInt8>, indexed: Bool) {
                block.append(name: name, value: value, indexed: indexed)
            }
        }
        var sink = Sink()
        ResponseHead.writeTrailersOnly(status, into: &sink)
        self = sink.block
    }
}
