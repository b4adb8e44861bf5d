import AVSEngine
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSTransport
import Logging

/// What administrators call: a server of its own, so that nothing of it can be reached from where users are (T03).
struct AdminListener: Sendable {
    static let service = Wire.AdminMethods.service
    private static let file = "admin.proto"
    /// Requests are ids and names; answers may be long.
    private static let requestLimitBytes = 64 << 10

    let server: RPCServer
    private let health = HealthBoard()

    /// - Throws: when the reflection data cannot be read, which would be a mistake of the build.
    init(
        _ configuration: RPCServer.Configuration, handlers: AdminHandlers, authority: TokenAuthority, gate: CallGate,
        time: any TimeSource, logger: Logger
    ) throws {
        let reflection = try ReflectionIndex(
            files: FileDescriptors.all.map(\.bytes), services: [Self.service, "grpc.health.v1.Health"])
        let open = health.methods + reflection.methods
        let authenticator = AdminAuthenticator(
            authority: authority, anonymous: Set(open.map(\.path.text)), gate: gate, time: time)
        var configuration = configuration
        configuration.requestLimitBytes = Self.requestLimitBytes
        server = RPCServer(
            configuration: configuration, methods: (handlers.methods + open).map { $0.withOrigin() },
            interceptors: [authenticator], time: time, logger: logger, threadCount: 1)
        server.onDrainBegin { [health] in health.shutDown() }
    }

    func run() async throws {
        for service in ["", Self.service] { health.set(.serving, for: service) }
        try await server.run()
    }

    /// The files that reflection shows to users: all but the administrators'.
    static var filesForUsers: [[UInt8]] { FileDescriptors.all.filter { $0.name != file }.map(\.bytes) }
}
