import AVSHTTP2
import AVSPrimitives
import AVSRPC
import AVSTLS
import AVSTransport
import FuzzInputs
import Logging

/// The live server: several event loops, handlers of every shape, short timers so that they fire while it is attacked.
/// None of them may cut a call of the client that behaves, however slow the machine is: what ends a connection with an
/// open call by time keeps its usual patience.
struct Victim: Sendable {
    static let service = "test.Service"
    static let methodNames = ["Echo", "Later", "Collect", "Split", "Chat", "Fail"]

    let server: RPCServer
    private let health: HealthBoard

    init(_ context: TLSContext) throws {
        var configuration = RPCServer.Configuration(listeners: [
            .init(.tcp(host: "127.0.0.1", port: 0)),
            .init(.tcp(host: "127.0.0.1", port: 0), security: .tls(TLSSecurity(context))),
        ])
        configuration.requestLimitBytes = 64 * 1_024
        configuration.compressesResponses = true
        configuration.maximumIdle = .milliseconds(500)
        configuration.maximumAge = .milliseconds(1_500)
        configuration.drainTimeout = .seconds(60)
        configuration.limits.headersTimeout = .seconds(1)
        configuration.limits.keepaliveTime = .milliseconds(300)
        configuration.limits.lingerTimeout = .milliseconds(20)
        configuration.limits.drainPingTimeout = .milliseconds(100)
        // One input in three brings SETTINGS; as it is, the connection would end after ten of those.
        configuration.limits.abuse.settings = TokenBucket(burst: 60, perSecond: 1)
        let health = HealthBoard()
        server = RPCServer(
            configuration: configuration,
            methods: Self.methods + health.methods + (try ReflectionIndex(files: DescriptorSamples.files).methods),
            interceptors: [Counting()], time: SystemTime(),
            logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }, threadCount: 3)
        server.onDrainBegin { health.shutDown() }
        self.health = health
    }

    var ports: (plain: UInt16, tls: UInt16) {
        get async throws {
            let ports = try await server.boundAddresses.compactMap { address -> UInt16? in
                if case .tcp(_, let port) = address { return UInt16(exactly: port) }
                return nil
            }
            guard ports.count == 2 else { throw Finding("the server listens on \(ports)") }
            return (ports[0], ports[1])
        }
    }

    private static func path(_ method: String) -> MethodPath { MethodPath(service: service, method: method) }

    private static let methods: [RPCMethod] = [
        .unary(path("Echo"), request: .bytes, response: .bytes) { request, _ in request },
        .unary(path("Later"), request: .bytes, response: .bytes) { request, _ in
            try await Task.sleep(for: .milliseconds(1))
            return request
        },
        .clientStreaming(path("Collect"), request: .bytes, response: .bytes) { requests, _ in
            var all: [UInt8] = []
            for try await request in requests { all = Array((all + request).suffix(4_096)) }
            return all
        },
        .serverStreaming(path("Split"), request: .bytes, response: .bytes) { request, _, writer in
            for byte in request.prefix(16) { try await writer.write(Array(repeating: byte, count: 16 * Int(byte))) }
        },
        .bidirectional(path("Chat"), request: .bytes, response: .bytes) { requests, _, writer in
            try await writer.sendHeaders()
            for try await request in requests { try await writer.write(request) }
        },
        .unary(path("Fail"), request: .bytes, response: .bytes) { request, _ in
            throw RPCStatus(.failedPrecondition, "☠ \(request.count) bytes")
        },
    ]
}

/// Sees the calls from several event loops, and suspends.
private struct Counting: ServerInterceptor {
    private enum Size: CallValueKey {
        typealias Value = Int
    }

    func admit(_ call: inout CallContext) async throws {
        call[Size.self] = call.metadata.count
        if call.metadata["x-refuse"] != nil { throw RPCStatus(.permissionDenied, "as asked") }
        await Task.yield()
    }
}
