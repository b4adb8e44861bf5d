import AVSTLS
import NIOCore
import NIOEmbedded
import TestCertificates
import Testing

@testable import AVSTransport

@Suite("The TLS handler")
struct TLSHandlerTests {
    /// What a test sees of the handler and of the pipeline above it.
    final class Observer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        var handshakes: [Result<TLSHandshake, any Error>] = []
        var plaintext: [UInt8] = []
        var errors: [any Error] = []
        var ends = 0

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            plaintext += unwrapInboundIn(data).readableBytesView
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { errors.append(error) }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if let event = event as? ChannelEvent, event == .inputClosed { ends += 1 }
        }
    }

    /// A server's channel with the handler, and a client's session to talk to it.
    final class Rig {
        let channel: EmbeddedChannel
        let observer = Observer()
        var client: TLSSession
        var atClient: [UInt8] = []
        var clientSawEnd = false

        init(pieces: Int = .max, handshake: Bool = true) throws {
            let certificates = try Certificates.shared.get()
            let session = try TLSSession.accept(certificates.serverSecurity().contexts.current)
            client = try TLSSession.connect(certificates.clientSecurity().contexts.current, serverName: "localhost")
            let channel = EmbeddedChannel()
            let observer = observer
            let handler = TLSHandler(session, timeout: .seconds(10)) { [unowned channel] result in
                observer.handshakes.append(result)
                if case .success = result { try channel.pipeline.syncOperations.addHandler(observer) }
            }
            try channel.pipeline.syncOperations.addHandler(handler)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            self.channel = channel
            if handshake { try exchange(pieces: pieces) }
        }

        func exchange(pieces: Int = .max) throws {
            while true {
                let up = client.takeOutput()
                for start in stride(from: 0, to: up.count, by: min(pieces, max(up.count, 1))) {
                    try channel.writeInbound(
                        ByteBuffer(bytes: up[start..<min(start + min(pieces, up.count), up.count)]))
                }
                var moved = !up.isEmpty
                while let down = try channel.readOutbound(as: ByteBuffer.self) {
                    moved = moved || down.readableBytes > 0
                    let received = client.receive(down.readableBytesUInt8Span)
                    atClient += received.plaintext
                    clientSawEnd = clientSawEnd || received.peerClosed
                }
                if !moved { return }
            }
        }
    }

    @Test("hands plaintext on, both ways, in whatever pieces it comes", arguments: [1, 100, Int.max])
    func bothWays(pieces: Int) throws {
        let rig = try Rig(pieces: pieces)
        #expect(rig.observer.handshakes.count == 1)
        try rig.client.send(Array("up".utf8).span)
        try rig.exchange(pieces: pieces)
        #expect(rig.observer.plaintext == Array("up".utf8))
        try rig.channel.writeOutbound(ByteBuffer(string: "down"))
        try rig.channel.writeOutbound(ByteBuffer())
        try rig.exchange()
        #expect(rig.atClient == Array("down".utf8))
    }

    @Test("TLS-6, CON-3 gives a handshake ten seconds")
    func timeout() throws {
        let rig = try Rig(handshake: false)
        rig.channel.embeddedEventLoop.advanceTime(by: .milliseconds(9_999))
        #expect(rig.observer.handshakes.isEmpty)
        #expect(rig.channel.isActive)
        rig.channel.embeddedEventLoop.advanceTime(by: .milliseconds(2))
        #expect(!rig.channel.isActive)
        let result = try #require(rig.observer.handshakes.first)
        #expect(throws: TLSHandshakeTimeout.self) { try result.get() }
        #expect(rig.observer.handshakes.count == 1)
    }

    @Test("has no timer after the handshake")
    func noTimeout() throws {
        let rig = try Rig()
        rig.channel.embeddedEventLoop.advanceTime(by: .hours(1))
        #expect(rig.channel.isActive)
        #expect(rig.observer.handshakes.count == 1)
    }

    @Test("TLS-6 tells the end after close_notify from a cut, and says either once")
    func ends() throws {
        let orderly = try Rig()
        orderly.client.close()
        try orderly.exchange()
        orderly.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(orderly.observer.ends == 1)
        #expect(orderly.observer.errors.isEmpty)

        let cut = try Rig()
        cut.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(cut.observer.ends == 0)
        #expect(cut.observer.errors.map { $0 as? TLSError } == [.truncated])
        #expect(!cut.channel.isActive)

        let gone = try Rig()
        gone.channel.pipeline.fireChannelInactive()
        #expect(gone.observer.errors.map { $0 as? TLSError } == [.truncated])
    }

    @Test("TLS-6 says close_notify before either close", arguments: [CloseMode.output, .all])
    func closes(mode: CloseMode) throws {
        let rig = try Rig()
        rig.channel.close(mode: mode, promise: nil)
        try rig.exchange()
        #expect(rig.clientSawEnd)
    }

    @Test("sends the alert and closes when the peer breaks the protocol")
    func garbage() throws {
        let early = try Rig(handshake: false)
        try early.channel.writeInbound(ByteBuffer(string: "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"))
        #expect(!early.channel.isActive)
        #expect(early.observer.handshakes.count == 1)

        let late = try Rig()
        _ = late.client.takeOutput()
        // The observer takes the error, so writing does not throw it.
        try late.channel.writeInbound(ByteBuffer(bytes: [UInt8](repeating: 0x17, count: 64)))
        #expect(late.observer.errors.count == 1)
        #expect(!late.channel.isActive)
        #expect(try late.channel.readOutbound(as: ByteBuffer.self)?.readableBytes ?? 0 > 0, "no alert")
    }

    @Test("goes away with its channel in the middle of a handshake")
    func closedDuringHandshake() throws {
        let rig = try Rig(handshake: false)
        rig.channel.close(promise: nil)
        rig.channel.embeddedEventLoop.run()
        #expect(rig.observer.handshakes.count == 1)
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(rig.observer.handshakes.count == 1)
    }
}
