import AVSRPC
import AVSTransport

/// The cases that implementations of gRPC run against each other, under the names that all of them use.
enum InteropCase: String, CaseIterable, Sendable {
    case emptyUnary = "empty_unary"
    case largeUnary = "large_unary"
    case clientStreaming = "client_streaming"
    case serverStreaming = "server_streaming"
    case pingPong = "ping_pong"
    case emptyStream = "empty_stream"
    case clientCompressedUnary = "client_compressed_unary"
    case serverCompressedUnary = "server_compressed_unary"
    case clientCompressedStreaming = "client_compressed_streaming"
    case serverCompressedStreaming = "server_compressed_streaming"
    case customMetadata = "custom_metadata"
    case statusCodeAndMessage = "status_code_and_message"
    case specialStatusMessage = "special_status_message"
    case unimplementedMethod = "unimplemented_method"
    case unimplementedService = "unimplemented_service"
    case cancelAfterBegin = "cancel_after_begin"
    case cancelAfterFirstResponse = "cancel_after_first_response"
    case timeoutOnSleepingServer = "timeout_on_sleeping_server"
    case concurrentLargeUnary = "concurrent_large_unary"
    case cacheableUnary = "cacheable_unary"
    case pickFirstUnary = "pick_first_unary"
    case rpcSoak = "rpc_soak"
    case channelSoak = "channel_soak"
    case longLivedChannel = "long_lived_channel"
    case perRPCCredentials = "per_rpc_creds"
    case orcaPerRPC = "orca_per_rpc"
    case orcaOutOfBand = "orca_oob"
    case computeEngineCredentials = "compute_engine_creds"
    case jwtTokenCredentials = "jwt_token_creds"
    case oauth2AuthToken = "oauth2_auth_token"
    case googleDefaultCredentials = "google_default_credentials"

    /// Longer than any case takes on a busy machine.
    static let timeLimit = Duration.seconds(120)

    /// - Parameter probes: whether the server sees, and may be asked, if a request came compressed.
    /// - Throws: `CaseSkipped`, or what went wrong.
    func run(_ server: ServerAddress, probes: Bool) async throws {
        let channel = try server.channel()
        do {
            try await run(TestClient(channel: channel), server, probes: probes)
        } catch {
            await channel.close()
            throw error
        }
        await channel.close()
    }

    private func run(_ client: TestClient, _ server: ServerAddress, probes: Bool) async throws {
        switch self {
        case .emptyUnary: try await client.emptyUnary()
        case .largeUnary: try await client.largeUnary()
        case .clientStreaming: try await client.clientStreamingCase()
        case .serverStreaming: try await client.serverStreamingCase()
        case .pingPong: try await client.pingPong()
        case .emptyStream: try await client.emptyStream()
        case .clientCompressedUnary: try await client.clientCompressedUnary(probes: probes)
        case .serverCompressedUnary: try await client.serverCompressedUnary()
        case .clientCompressedStreaming: try await client.clientCompressedStreaming(probes: probes)
        case .serverCompressedStreaming: try await client.serverCompressedStreaming()
        case .customMetadata: try await client.customMetadata()
        case .statusCodeAndMessage: try await client.statusCodeAndMessage()
        case .specialStatusMessage: try await client.specialStatusMessage()
        case .unimplementedMethod: try await client.unimplementedMethod()
        case .unimplementedService: try await client.unimplementedService()
        case .cancelAfterBegin: try await client.cancelAfterBegin()
        case .cancelAfterFirstResponse: try await client.cancelAfterFirstResponse()
        case .timeoutOnSleepingServer: try await client.timeoutOnSleepingServer()
        case .concurrentLargeUnary: try await client.concurrentLargeUnary()
        case .pickFirstUnary: try await server.pickFirstUnary()
        case .rpcSoak: try await client.rpcSoak()
        case .channelSoak: try await server.channelSoak()
        case .longLivedChannel: try await client.longLivedChannel()
        case .perRPCCredentials: try await client.perRPCCredentials(server)
        case .cacheableUnary: throw CaseSkipped(reason: "historic: it used GET, which gRPC has given up")
        case .orcaPerRPC, .orcaOutOfBand: throw CaseSkipped(reason: "optional: load reports are not built")
        case .computeEngineCredentials, .jwtTokenCredentials, .oauth2AuthToken, .googleDefaultCredentials:
            throw CaseSkipped(reason: "needs a cloud; the mechanism itself is tested by per_rpc_creds")
        }
    }
}
