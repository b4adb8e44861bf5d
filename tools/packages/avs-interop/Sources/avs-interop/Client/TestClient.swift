import AVSPrimitives
import AVSProto
import AVSRPC
import AVSTransport
import Foundation
import Logging

/// Where the server is and how to talk to it.
struct ServerAddress: Sendable {
    var target: String
    /// One more server of the same kind, for what needs two.
    var second: String?
    var security: ConnectionSecurity
    var isSecure: Bool

    /// Host and port of both, as one target.
    var both: String? { second.map { "ipv4:\(target),\($0)" } }

    func channel(_ target: String? = nil) throws -> RPCChannel {
        var configuration = RPCChannel.Configuration()
        configuration.security = security
        return try RPCChannel(
            target: target ?? self.target, configuration: configuration, time: SystemTime(),
            logger: Logger(label: "interop") { _ in SwiftLogNoOpLogHandler() })
    }
}

/// Calls of the test service on one channel.
struct TestClient: Sendable {
    typealias Methods = GRPCTesting.TestServiceMethods

    let channel: RPCChannel

    func unary<Input, Output>(
        _ method: ProtoMethod<Input, Output>, _ request: Input, options: CallOptions = CallOptions()
    ) async throws -> RPCResponse<Output> {
        try await channel.unaryResponse(
            method.methodPath, request, request: ProtoCodec<Input>(), response: ProtoCodec<Output>(), options: options)
    }

    nonisolated(nonsending) func serverStreaming<Input, Output, Result>(
        _ method: ProtoMethod<Input, Output>, _ request: Input, options: CallOptions = CallOptions(),
        _ body: nonisolated(nonsending) (ResponseStream<Output>) async throws -> Result
    ) async throws -> Result {
        try await channel.serverStreaming(
            method.methodPath, request, request: ProtoCodec<Input>(), response: ProtoCodec<Output>(), options: options,
            body)
    }

    nonisolated(nonsending) func clientStreaming<Input, Output>(
        _ method: ProtoMethod<Input, Output>, options: CallOptions = CallOptions(),
        _ body: nonisolated(nonsending) (RequestWriter<Input>) async throws -> Void
    ) async throws -> Output {
        try await channel.clientStreaming(
            method.methodPath, request: ProtoCodec<Input>(), response: ProtoCodec<Output>(), options: options, body)
    }

    nonisolated(nonsending) func bidirectional<Input, Output, Result>(
        _ method: ProtoMethod<Input, Output>, options: CallOptions = CallOptions(),
        _ body:
            nonisolated(nonsending) (RequestWriter<Input>, ResponseStream<Output>) async throws -> Result
    ) async throws -> Result {
        try await channel.bidirectional(
            method.methodPath, request: ProtoCodec<Input>(), response: ProtoCodec<Output>(), options: options, body)
    }

    /// 271,828 bytes up, 314,159 down.
    @discardableResult
    func largeUnary(
        options: CallOptions = CallOptions(), _ change: (inout GRPCTesting.SimpleRequest) -> Void = { _ in }
    ) async throws -> RPCResponse<GRPCTesting.SimpleResponse> {
        let request = GRPCTesting.SimpleRequest.with {
            $0.payload = GRPCTesting.Payload(size: 271_828)
            $0.responseSize = 314_159
            change(&$0)
        }
        let response = try await unary(Methods.unaryCall, request, options: options)
        let payload = response.message.payload
        try expect(payload?.type, .compressable, "payload type")
        try expect(payload?.body.count, 314_159, "payload size")
        // As `Data`, which compares memory: in a debug build a loop over a thousand of these takes half a minute.
        guard Data(payload?.body ?? []) == Data(count: 314_159) else {
            throw CaseFailure("the payload is not all zeros")
        }
        return response
    }
}
