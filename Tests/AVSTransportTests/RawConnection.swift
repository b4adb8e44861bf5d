import NIOCore
import NIOPosix
import Synchronization

/// A TCP connection of bytes, for peers that no library would play.
final class RawConnection: Sendable {
    private let channel: any Channel
    private let collector: Collector

    private init(channel: any Channel, collector: Collector) {
        self.channel = channel
        self.collector = collector
    }

    /// The server's side of a connection; on the channel's event loop.
    init(accepted channel: any Channel) throws {
        self.channel = channel
        collector = Collector()
        try channel.pipeline.syncOperations.addHandler(Handler(collector))
    }

    /// - Parameter reads: false plays a peer that takes nothing off its socket, whose buffer is small.
    static func open(port: Int, reads: Bool = true) async throws -> RawConnection {
        let collector = Collector()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(60))
            .channelOption(.autoRead, value: reads)
            .channelOption(.socketOption(.so_rcvbuf), value: reads ? 1 << 20 : 4_096)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(collector))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawConnection(channel: channel, collector: collector)
    }

    func send(_ bytes: [UInt8]) async throws {
        do {
            try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
        } catch is IOError, is ChannelError {}  // the peer closed first; what it said is what a test looks at
    }

    /// The connection is gone, which a peer that does not read hears of in no other way.
    func waitUntilClosed() async { do { try await channel.closeFuture.get() } catch {} }

    /// Reads again.
    func startReading() async throws { try await channel.setOption(.autoRead, value: true).get() }

    /// Everything the peer sent until `isEnough`, or until it closed.
    func receive(until isEnough: @escaping @Sendable ([UInt8]) -> Bool = { _ in false }) async -> [UInt8] {
        await collector.receive(until: isEnough)
    }

    func close() async { do { try await channel.close() } catch {} }

    private final class Collector: Sendable {
        private struct State {
            var bytes: [UInt8] = []
            var isClosed = false
            var waiting: (@Sendable ([UInt8]) -> Bool, CheckedContinuation<[UInt8], Never>)?
        }

        private let state = Mutex(State())

        func receive(until isEnough: @escaping @Sendable ([UInt8]) -> Bool) async -> [UInt8] {
            await withCheckedContinuation { continuation in
                state.withLock { $0.waiting = (isEnough, continuation) }
                look { _ in }
            }
        }

        private func look(_ change: (inout State) -> Void) {
            let done: (CheckedContinuation<[UInt8], Never>, [UInt8])? = state.withLock { state in
                change(&state)
                guard let (isEnough, continuation) = state.waiting else { return nil }
                guard state.isClosed || isEnough(state.bytes) else { return nil }
                state.waiting = nil
                return (continuation, state.bytes)
            }
            if let (continuation, bytes) = done { continuation.resume(returning: bytes) }
        }

        func append(_ bytes: [UInt8]) { look { $0.bytes += bytes } }
        func close() { look { $0.isClosed = true } }
    }

    private final class Handler: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        private let collector: Collector

        init(_ collector: Collector) { self.collector = collector }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            collector.append(Array(unwrapInboundIn(data).readableBytesView))
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
        func channelInactive(context: ChannelHandlerContext) { collector.close() }
    }
}

/// Frames of a byte stream.
struct RawFrame: Equatable {
    var type: UInt8
    var flags: UInt8
    var stream: UInt32
    var payload: [UInt8]

    static func all(in bytes: [UInt8]) -> [RawFrame] {
        var frames: [RawFrame] = []
        var rest = bytes[...]
        while rest.count >= 9 {
            let head = Array(rest.prefix(9))
            let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            guard rest.count >= 9 + length else { break }
            let stream = head[5...8].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            frames.append(
                RawFrame(
                    type: head[3], flags: head[4], stream: stream, payload: Array(rest.dropFirst(9).prefix(length))))
            rest = rest.dropFirst(9 + length)
        }
        return frames
    }

    /// Error code and text, if this is a GOAWAY.
    var goAway: (code: UInt32, text: String)? {
        guard type == 7, payload.count >= 8 else { return nil }
        return (
            payload[4...7].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }, String(decoding: payload[8...], as: UTF8.self)
        )
    }
}

extension [UInt8] {
    var goAway: (code: UInt32, text: String)? { RawFrame.all(in: self).lazy.compactMap(\.goAway).first }
}
