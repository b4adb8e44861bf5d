import AVSPrimitives
import AVSRPC
import AVSTransport
import NIOCore
import NIOPosix
import Testing

/// A server whose every byte a test writes, for clients to cope with.
///
/// - Parameters:
///   - script: runs for each connection, with its number; the connection is closed when it returns.
func withRawServer<Result>(
    _ configuration: RPCChannel.Configuration = .quick(),
    _ script: @escaping @Sendable (RawConnection, Int) async throws -> Void,
    _ body: (RPCChannel) async throws -> Result
) async throws -> Result {
    let (accepted, continuation) = AsyncStream.makeStream(of: RawConnection.self)
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { continuation.yield(try RawConnection(accepted: channel)) }
        }
        .bind(host: "127.0.0.1", port: 0).get()
    let channel = try RPCChannel(
        target: "127.0.0.1:\(listener.localAddress?.port ?? 0)", configuration: configuration, time: SystemTime(),
        logger: quiet)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            await withTaskGroup(of: Void.self) { scripts in
                var number = 0
                for await connection in accepted {
                    scripts.addTask { [number] in
                        do { try await script(connection, number) } catch { Issue.record(error) }
                        await connection.close()
                    }
                    number += 1
                }
            }
        }
        let result = try await body(channel)
        await channel.close()
        try await listener.close()
        continuation.finish()
        try await group.waitForAll()
        return result
    }
}

extension RPCChannel.Configuration {
    /// With short pauses between attempts.
    static func quick(_ change: (inout Self) -> Void = { _ in }) -> Self {
        var configuration = Self()
        configuration.backoff = Backoff(first: .milliseconds(5), longest: .milliseconds(20))
        configuration.limits.beGenerous()
        configuration.connectTimeout = .seconds(60)
        change(&configuration)
        return configuration
    }
}

extension RawConnection {
    /// The client's magic and SETTINGS; answered with ours and an acknowledgement.
    func open(settings: [UInt8] = []) async throws {
        try await send(Raw.frame(4, settings) + Raw.frame(4, flags: 1))
        _ = await receive { $0.count >= 24 + 9 }
    }

    /// Waits until a stream's request is complete.
    func request(on stream: UInt32) async {
        _ = await receive { bytes in
            RawFrame.all(in: Array(bytes.dropFirst(24))).contains {
                $0.stream == stream && $0.type <= 1 && $0.flags & 1 == 1
            }
        }
    }

    /// Waits for RST_STREAM.
    func reset(of stream: UInt32) async -> [UInt8]? {
        let isReset = { @Sendable (frame: RawFrame) in frame.stream == stream && frame.type == 3 }
        let bytes = await receive { bytes in RawFrame.all(in: Array(bytes.dropFirst(24))).contains(where: isReset) }
        return RawFrame.all(in: Array(bytes.dropFirst(24))).first(where: isReset)?.payload
    }
}

extension Raw {
    static func headers(_ fields: [(String, String)], stream: UInt32, flags: UInt8 = 0x4) -> [UInt8] {
        frame(1, flags: flags, stream: stream, fields.flatMap { literal($0.0, $0.1) })
    }

    static func responseHeaders(stream: UInt32) -> [UInt8] {
        headers([(":status", "200"), ("content-type", "application/grpc")], stream: stream)
    }

    static func trailers(_ status: String = "0", stream: UInt32) -> [UInt8] {
        headers([("grpc-status", status)], stream: stream, flags: 0x5)
    }

    static func answer(_ bytes: [UInt8], stream: UInt32) -> [UInt8] {
        responseHeaders(stream: stream) + message(bytes, stream: stream) + trailers(stream: stream)
    }

    static func goAway(last: UInt32, code: UInt32 = 0, _ text: String = "") -> [UInt8] {
        frame(7, big(last) + big(code) + Array(text.utf8))
    }
}
