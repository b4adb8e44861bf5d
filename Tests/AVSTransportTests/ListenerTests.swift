import AVSPrimitives
import AVSRPC
import Foundation
import NIOCore
import NIOEmbedded
import Testing

@testable import AVSTransport

/// The sockets of this process, looked at from below: what the kernel says of them.
private struct OpenSocket {
    let descriptor: CInt
    let localPort: Int
    /// Nil for one that listens.
    let peerPort: Int?

    static var all: [OpenSocket] {
        (3..<4_096 as Range<CInt>).compactMap { descriptor in
            guard let localPort = port(of: descriptor, getsockname) else { return nil }
            return OpenSocket(
                descriptor: descriptor, localPort: localPort, peerPort: port(of: descriptor, getpeername))
        }
    }

    private static func port(
        of descriptor: CInt,
        _ ask: (CInt, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt
    ) -> Int? {
        // As bytes: whose members the structures have depends on which module the compiler has read first.
        var address = [UInt8](repeating: 0, count: 128)
        var count = socklen_t(address.count)
        let result = address.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { $0.baseAddress.map { ask(descriptor, $0, &count) } }
        }
        guard result == 0, address[0] == UInt8(AF_INET), address[1] == 0 else { return nil }
        return Int(address[2]) << 8 | Int(address[3])
    }

    func option(_ name: CInt) -> Int? {
        var value: CInt = 0
        var count = socklen_t(MemoryLayout<CInt>.size)
        return getsockopt(descriptor, CInt(IPPROTO_TCP), name, &value, &count) == 0 ? Int(value) : nil
    }

    /// Of one that listens: how many connections may wait. The kernel says it where else it counts segments.
    var backlog: Int? {
        var information = [UInt8](repeating: 0, count: 256)
        var count = socklen_t(information.count)
        guard getsockopt(descriptor, CInt(IPPROTO_TCP), TCP_INFO, &information, &count) == 0 else { return nil }
        return information[28..<32].enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }  // tcpi_sacked
    }
}

@Suite("The sockets of a server and its clients", .timeLimit(.minutes(1)))
struct ListenerTests {
    @Test("CON-7: TCP_NODELAY on both ends, TCP_USER_TIMEOUT where keepalive is on", arguments: [true, false])
    func options(keepalive: Bool) async throws {
        try await withServer(
            [echo],
            configure: {
                if !keepalive { $0.limits.keepaliveTime = nil }
                $0.limits.keepaliveTimeout = .seconds(17)
            },
            client: {
                if keepalive { $0.limits.keepaliveTime = .seconds(60) }
                $0.limits.keepaliveTimeout = .seconds(19)
            }
        ) { channel, server in
            _ = try await channel.unary(path("Echo"), [1], request: .bytes, response: .bytes)
            let port = try await server.boundPort
            let sockets = OpenSocket.all
            let accepted = try #require(sockets.first { $0.localPort == port && $0.peerPort != nil })
            let connected = try #require(sockets.first { $0.peerPort == port })
            for socket in [accepted, connected] { #expect(socket.option(TCP_NODELAY) == 1) }
            #expect(accepted.option(TCP_USER_TIMEOUT) == (keepalive ? 17_000 : 0))
            #expect(connected.option(TCP_USER_TIMEOUT) == (keepalive ? 19_000 : 0))
        }
    }

    @Test(
        "CON-7: as many connections may wait to be accepted as configured, and no more than the kernel allows",
        arguments: [nil, 1_024, 100_000])
    func backlog(configured: Int?) async throws {
        let text = try String(contentsOfFile: "/proc/sys/net/core/somaxconn", encoding: .utf8)
        let allowed = try #require(Int(text.filter(\.isNumber)))
        try await withServer([echo], configure: { $0.acceptBacklog = configured ?? $0.acceptBacklog }) { _, server in
            let port = try await server.boundPort
            let listening = try #require(OpenSocket.all.first { $0.localPort == port && $0.peerPort == nil })
            #expect(listening.backlog == min(configured ?? 4_096, allowed))
        }
    }

    @Test(
        "CON-7: accepting pauses when there is no file descriptor left, and goes on after it",
        arguments: [EMFILE, ENFILE])
    func pause(code: CInt) throws {
        let channel = EmbeddedChannel()
        let reads = ReadCounter()
        try channel.pipeline.syncOperations.addHandler(reads)
        try RPCServer.prepare(listener: channel)
        channel.read()
        let before = reads.count
        #expect(before > 0)
        channel.pipeline.fireErrorCaught(IOError(errnoCode: code, reason: "accept"))
        for _ in 0..<100 { channel.read() }
        #expect(reads.count == before, "it spins")
        channel.embeddedEventLoop.advanceTime(to: .now() + .milliseconds(900))
        #expect(reads.count == before)
        channel.embeddedEventLoop.advanceTime(to: .now() + .seconds(2))
        #expect(reads.count == before + 1)
        do { try channel.throwIfErrorCaught() } catch is IOError {}
        _ = try channel.finish()
    }

    @Test("TLS-7: one port does not serve both plaintext and TLS, not even on two addresses")
    func sharedPort() async throws {
        let tls = ConnectionSecurity.tls(try Certificates.shared.get().serverSecurity())
        func run(_ listeners: [RPCServer.Listener]) async throws {
            let server = RPCServer(
                configuration: .init(listeners: listeners), methods: [echo], time: SystemTime(), logger: quiet)
            server.beginDrain()
            try await server.run()
        }
        await #expect(throws: RPCServer.SharedPort(port: 2_206)) {
            try await run([
                .init(.tcp(host: "127.0.0.1", port: 2_206)), .init(.tcp(host: "127.0.0.2", port: 2_206), security: tls),
            ])
        }
        try await run([
            .init(.tcp(host: "127.0.0.1", port: 0)), .init(.tcp(host: "127.0.0.1", port: 0), security: tls),
        ])
    }

    @Test("RSP-8: there is no server header, unless an application sets one")
    func serverHeader() async throws {
        struct Named: ServerInterceptor {
            func admit(_ call: inout CallContext) async throws {
                guard call.metadata["who"] != nil else { return }
                var metadata = Metadata()
                try metadata.add("server", "avs")
                call.setInitialMetadata(metadata)
            }
        }
        try await withServer([echo], interceptors: [Named()]) { channel, _ in
            for name in [nil, "avs"] {
                var options = CallOptions()
                if name != nil { try options.metadata.add("who", "?") }
                let answer = try await channel.unaryResponse(
                    path("Echo"), [1], request: .bytes, response: .bytes, options: options)
                #expect(answer.initialMetadata["server"] == name)
                #expect(answer.initialMetadata.isEmpty == (name == nil))
            }
        }
    }
}
