import AVSHTTP2
import AVSPrimitives
import AVSRPC
import AVSTesting
import Logging
import NIOCore
import NIOEmbedded

@testable import AVSTransport

/// Counts the reads that come through to the socket.
final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    var count = 0

    func read(context: ChannelHandlerContext) {
        count += 1
        context.read()
    }
}

/// A server's connection on a channel without a socket, with both clocks in the test's hand.
final class Rig {
    let channel = EmbeddedChannel()
    let reads = ReadCounter()
    let time: ManualTime
    let service: ServiceBundle
    let client: HTTP2Session.Box
    private let endCount = EndCount()
    var ends: Int { endCount.value }

    final class EndCount { var value = 0 }

    convenience init(
        _ methods: [RPCMethod] = [], logger: Logger = quiet,
        configure: (inout RPCServer.Configuration) -> Void = { _ in }
    ) throws {
        var configuration = RPCServer.Configuration()
        configuration.limits.streamWindowLimitBytes = nil  // no PINGs among the frames that tests count
        configure(&configuration)
        let time = ManualTime()
        let service = ServiceBundle(
            configuration: configuration, methods: methods, interceptors: [], time: time, logger: logger)
        try self.init(service, time)
    }

    /// Another connection to the same server, on an event loop of its own.
    convenience init(besides other: Rig) throws { try self.init(other.service, other.time) }

    private init(_ service: ServiceBundle, _ time: ManualTime) throws {
        self.service = service
        self.time = time
        client = try HTTP2Session.Box()
        loop = LoopContext(channel.embeddedEventLoop, time: time)
        let connection = ServerConnection(service: service, loop: loop, peer: Peer(address: "test")) { [endCount] _ in
            endCount.value += 1
        }
        self.connection = connection
        try channel.pipeline.syncOperations.addHandler(reads)
        try channel.pipeline.syncOperations.addHandler(connection.makeHandler())
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try exchange()
    }

    let connection: ServerConnection
    let loop: LoopContext

    /// Carries bytes both ways until nothing moves.
    func exchange() throws {
        while true {
            let up = try client.drain()
            if !up.isEmpty { try receive(up) }
            channel.embeddedEventLoop.run()
            let down = try output()
            if !down.isEmpty { try client.receive(down) }
            if up.isEmpty, down.isEmpty { return }
        }
    }

    func receive(_ bytes: [UInt8]) throws { try channel.writeInbound(ByteBuffer(bytes: bytes)) }

    /// What the server wrote since the last look.
    func output() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { bytes += buffer.readableBytesView }
        return bytes
    }

    func advance(_ duration: Duration) throws {
        time.advance(by: duration)
        channel.embeddedEventLoop.advanceTime(by: TimeAmount(duration))
        try exchange()
    }

    /// A whole call with these requests.
    func call(
        _ method: String, _ requests: [[UInt8]], with fields: [(String, String)] = [],
        contentType: String = "application/grpc"
    ) throws -> StreamID {
        let stream = try request(method, endsStream: requests.isEmpty, with: fields, contentType: contentType)
        for request in requests { client.session.send(request, after: ChunkLead(0, UInt32(request.count)), on: stream) }
        if !requests.isEmpty { client.session.finish(stream, trailers: nil) }
        try exchange()
        return stream
    }

    /// The header sections that the client got on a stream: an answer's first, and its trailers.
    func sections(_ stream: StreamID) -> [HeaderBlock] {
        client.events.compactMap { event in
            if case .headers(stream, let block, _) = event { return block }
            return nil
        }
    }

    var goAways: [(last: StreamID, code: HTTP2ErrorCode, text: String)] {
        client.events.compactMap { event in
            if case .goAway(let last, let code, let data) = event {
                return (last, code, String(decoding: data, as: UTF8.self))
            }
            return nil
        }
    }

    func request(
        _ method: String, endsStream: Bool = true, with fields: [(String, String)] = [],
        contentType: String = "application/grpc"
    ) throws -> StreamID {
        var block: HeaderBlock = [
            ":method": "POST", ":scheme": "http", ":path": "/test.Service/\(method)", ":authority": "x",
            "content-type": contentType,
        ]
        for (name, value) in fields { block.append(name, value) }
        return try client.session.request(block, endsStream: endsStream)
    }
}

extension HTTP2Session {
    /// A client's end, in a class since a session cannot be copied.
    final class Box {
        var session: HTTP2Session
        var events: [HTTP2Event] = []

        init() throws { session = try HTTP2Session.open(.client) }

        func receive(_ bytes: [UInt8]) throws { events += try session.receive(bytes.span) }

        func drain() throws -> [UInt8] {
            var buffer = ByteBuffer()
            var more = true
            while more {
                let before = buffer.readableBytes
                try buffer.writeWithOutputRawSpan(minimumWritableBytes: HTTP2Session.outputRoomBytes) {
                    output throws(HTTP2Error) in
                    more = try session.drain(into: &output)
                }
                if buffer.readableBytes == before { break }
            }
            events += session.takeEvents()
            return Array(buffer.readableBytesView)
        }
    }
}
