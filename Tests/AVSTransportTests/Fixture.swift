import AVSPrimitives
import AVSRPC
import AVSTransport
import Logging
import NIOCore

/// A server on a free loopback port and a channel to it, for as long as `body` runs.
func withServer<Result>(
    _ methods: [RPCMethod], interceptors: [any ServerInterceptor] = [],
    configure: (inout RPCServer.Configuration) -> Void = { _ in },
    client: (inout RPCChannel.Configuration) -> Void = { _ in },
    _ body: (RPCChannel, RPCServer) async throws -> Result
) async throws -> Result {
    var configuration = RPCServer.Configuration(listeners: [.init(.tcp(host: "127.0.0.1", port: 0))])
    configuration.drainTimeout = .seconds(5)
    configuration.limits.beGenerous()
    configure(&configuration)
    let server = RPCServer(
        configuration: configuration, methods: methods, interceptors: interceptors, time: SystemTime(), logger: quiet)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        var options = RPCChannel.Configuration()
        options.limits.beGenerous()
        options.connectTimeout = .seconds(60)
        client(&options)
        let channel = try RPCChannel(
            target: "127.0.0.1:\(await server.boundPort)", configuration: options, time: SystemTime(), logger: quiet)
        let result: Result
        do {
            result = try await body(channel, server)
        } catch {
            await channel.close()
            group.cancelAll()
            throw error
        }
        await channel.close()
        server.beginDrain()
        try await group.waitForAll()
        return result
    }
}

extension ConnectionLimits {
    /// Time for a machine that is busy with other things; tests that are about a timeout set their own.
    mutating func beGenerous() {
        prefaceTimeout = .seconds(60)
        settingsTimeout = .seconds(60)
        headersTimeout = .seconds(60)
    }
}

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

func path(_ method: String) -> MethodPath { MethodPath(service: "test.Service", method: method) }

/// Answers with the request.
let echo = RPCMethod.unary(path("Echo"), request: .bytes, response: .bytes) { request, _ in request }

/// Answers with as many messages as the first byte says, each one byte: its number.
let count = RPCMethod.serverStreaming(path("Count"), request: .bytes, response: .bytes) { request, _, writer in
    for number in 0..<(request.first ?? 0) { try await writer.write([number]) }
}

/// Answers with the number of requests and the sum of their sizes.
let collect = RPCMethod.clientStreaming(path("Collect"), request: .bytes, response: .bytes) { requests, _ in
    var (number, size) = (0, 0)
    for try await request in requests {
        number += 1
        size += request.count
    }
    return Array("\(number) \(size)".utf8)
}

/// Answers each request with itself.
let mirror = RPCMethod.bidirectional(path("Mirror"), request: .bytes, response: .bytes) { requests, _, writer in
    for try await request in requests { try await writer.write(request) }
}
