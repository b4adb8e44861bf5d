import Testing

/// A client that writes HTTP/2 by hand, and what it may expect of a server.
///
/// Each expectation waits for what it is about, or for the end of the connection; nothing here measures time.
final class H2Client: Sendable {
    private let connection: RawConnection

    init(port: Int) async throws { connection = try await RawConnection.open(port: port) }

    func close() async { await connection.close() }

    // MARK: Sending

    func send(_ bytes: [UInt8]...) async throws { try await connection.send(bytes.flatMap { $0 }) }

    /// Magic and SETTINGS; returns when the server's SETTINGS are here and acknowledged.
    func open(_ settings: [(id: UInt16, value: UInt32)] = []) async throws {
        try await send(Raw.magic, H2.settings(settings))
        await wait { $0.type == H2.settings && $0.flags == 0 }
        try await send(Raw.frame(H2.settings, flags: H2.ack))
    }

    // MARK: Receiving

    @discardableResult
    private func wait(_ isWanted: @escaping @Sendable (RawFrame) -> Bool) async -> RawFrame? {
        let bytes = await connection.receive { RawFrame.all(in: $0).contains(where: isWanted) }
        return RawFrame.all(in: bytes).first(where: isWanted)
    }

    /// All frames until the server has closed.
    func framesUntilClose() async -> [RawFrame] { RawFrame.all(in: await connection.receive()) }

    func data(_ stream: UInt32, bytes count: Int) async -> [RawFrame] {
        let bytes = await connection.receive { bytes in
            let frames = RawFrame.all(in: bytes).filter { $0.type == H2.data && $0.stream == stream }
            return frames.reduce(0) { $0 + $1.payload.count } >= count
        }
        return RawFrame.all(in: bytes).filter { $0.type == H2.data && $0.stream == stream }
    }

    // MARK: Expectations

    /// GOAWAY with one of the codes, and the end of the connection (NG-5).
    func expectConnectionError(_ codes: UInt32..., at location: SourceLocation = #_sourceLocation) async {
        let goAway = await framesUntilClose().last { $0.type == H2.goAway }?.goAway
        #expect(
            goAway.map { codes.contains($0.code) } == true, "\(String(describing: goAway))", sourceLocation: location)
    }

    /// RST_STREAM with one of the codes; or a connection error with one, which every stream error may be.
    func expectStreamError(
        _ stream: UInt32, _ codes: UInt32..., at location: SourceLocation = #_sourceLocation
    ) async {
        let frame = await wait { $0.type == H2.reset && $0.stream == stream || $0.type == H2.goAway }
        let code = frame.map { $0.goAway?.code ?? H2.number($0.payload) }
        #expect(code.map { codes.contains($0) } == true, "\(String(describing: frame))", sourceLocation: location)
    }

    func expectHeaders(_ stream: UInt32, at location: SourceLocation = #_sourceLocation) async {
        let frame = await wait { $0.type == H2.headers && $0.stream == stream }
        #expect(frame != nil, sourceLocation: location)
    }

    /// A whole answer: headers, and the end of the stream.
    func expectAnswer(_ stream: UInt32, at location: SourceLocation = #_sourceLocation) async {
        let end = await wait { $0.stream == stream && $0.type <= 1 && $0.flags & H2.endStream != 0 }
        #expect(end != nil, sourceLocation: location)
    }

    /// The connection is as it was: a PING is answered.
    func expectAlive(at location: SourceLocation = #_sourceLocation) async throws {
        let number = Array("still ok".utf8)
        try await send(Raw.frame(H2.ping, number))
        let answer = await wait { $0.type == H2.ping && $0.flags == H2.ack && $0.payload == number }
        #expect(answer != nil, sourceLocation: location)
    }

    func expectSettingsAcknowledged(_ count: Int, at location: SourceLocation = #_sourceLocation) async {
        let isAcknowledgement = { @Sendable (frame: RawFrame) in frame.type == H2.settings && frame.flags == H2.ack }
        let bytes = await connection.receive { RawFrame.all(in: $0).count(where: isAcknowledgement) >= count }
        #expect(RawFrame.all(in: bytes).count(where: isAcknowledgement) >= count, sourceLocation: location)
    }
}

/// The numbers of RFC 9113.
enum H2 {
    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let priority: UInt8 = 2
    static let reset: UInt8 = 3
    static let settings: UInt8 = 4
    static let pushPromise: UInt8 = 5
    static let ping: UInt8 = 6
    static let goAway: UInt8 = 7
    static let windowUpdate: UInt8 = 8
    static let continuation: UInt8 = 9

    static let ack: UInt8 = 0x1
    static let endStream: UInt8 = 0x1
    static let endHeaders: UInt8 = 0x4
    static let padded: UInt8 = 0x8
    static let hasPriority: UInt8 = 0x20

    static let protocolError: UInt32 = 1
    static let flowControlError: UInt32 = 3
    static let streamClosed: UInt32 = 5
    static let frameSizeError: UInt32 = 6
    static let refusedStream: UInt32 = 7
    static let compressionError: UInt32 = 9

    static let enablePush: UInt16 = 2
    static let initialWindowSize: UInt16 = 4
    static let maxFrameSize: UInt16 = 5

    static func number(_ bytes: [UInt8]) -> UInt32 { bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) } }

    static func settings(_ entries: [(id: UInt16, value: UInt32)]) -> [UInt8] {
        Raw.frame(
            settings, entries.flatMap { [UInt8($0.id >> 8), UInt8(truncatingIfNeeded: $0.id)] + Raw.big($0.value) })
    }

    static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> [UInt8] {
        Raw.frame(windowUpdate, stream: stream, Raw.big(increment))
    }

    /// What PRIORITY and HEADERS with that flag carry.
    static func priority(on parent: UInt32, weight: UInt8 = 15, isExclusive: Bool = false) -> [UInt8] {
        Raw.big(parent | (isExclusive ? 0x8000_0000 : 0)) + [weight]
    }

    /// `GET /`, from the static table: the smallest request, answered with 405 and a short text in DATA.
    static let get: [UInt8] = [0x82, 0x86, 0x84, 0x01, 0x01, 0x78]
    /// `POST /`.
    static let post: [UInt8] = [0x83, 0x86, 0x84, 0x01, 0x01, 0x78]
    /// As many bytes as the server's answer to `get` has.
    static let answerBytes = "gRPC requests use POST\n".utf8.count

    static func get(_ stream: UInt32, with more: [UInt8] = [], flags: UInt8 = endStream | endHeaders) -> [UInt8] {
        Raw.frame(headers, flags: flags, stream: stream, get + more)
    }

    static func post(_ stream: UInt32, with more: [UInt8] = []) -> [UInt8] {
        Raw.frame(headers, flags: endHeaders, stream: stream, post + more)
    }
}
