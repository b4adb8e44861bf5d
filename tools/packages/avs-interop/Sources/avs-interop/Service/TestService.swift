import AVSProto
import AVSRPC

/// `grpc.testing.TestService`: answers as the request describes. Each request is limited by the server, each answer by
/// ``largestResponse``.
struct TestService: Sendable {
    /// Names of metadata that come back, one in the headers, one in the trailers.
    static let echoInitial = "x-grpc-test-echo-initial"
    static let echoTrailing = "x-grpc-test-echo-trailing-bin"
    /// Says in the headers of each answer which server gave it; two of ours are told apart by it.
    static let serverName = "x-interop-server"
    /// In bytes: a request may ask for what it likes.
    static let largestResponse: Int32 = 64 << 20
    /// Requests that HalfDuplexCall keeps until it answers.
    static let mostKept = 1_000

    /// Goes out as ``serverName``.
    var name: String

    var methods: [RPCMethod] {
        typealias Methods = GRPCTesting.TestServiceMethods
        return [
            .unary(Methods.emptyCall) { request, call in
                try echoMetadata(call)
                return request
            },
            .unary(Methods.unaryCall, answer),
            .serverStreaming(Methods.streamingOutputCall) { request, call, writer in
                try echoMetadata(call)
                allowCompression(for: [request], call)
                try await send(request, writer)
            },
            .clientStreaming(Methods.streamingInputCall, sum),
            .bidirectional(Methods.fullDuplexCall) { requests, call, writer in
                try echoMetadata(call)
                for try await request in requests {
                    allowCompression(for: [request], call)
                    try await send(request, writer)
                }
            },
            .bidirectional(Methods.halfDuplexCall, answerAtEnd),
        ]
    }

    // MARK: Methods

    private func answer(
        _ request: GRPCTesting.SimpleRequest, _ call: CallContext
    ) async throws -> GRPCTesting.SimpleResponse {
        try echoMetadata(call)
        try check(request.expectCompressed, call)
        try end(as: request.responseStatus)
        if let wanted = request.responseCompressed { call.setResponseCompression(wanted.value) }
        return try GRPCTesting.SimpleResponse.with {
            $0.payload = try payload(request.responseType, request.responseSize)
            if request.fillUsername { $0.username = Self.user(of: call) }
        }
    }

    private func sum(
        _ requests: RequestStream<GRPCTesting.StreamingInputCallRequest>, _ call: CallContext
    ) async throws -> GRPCTesting.StreamingInputCallResponse {
        try echoMetadata(call)
        var size = 0
        for try await request in requests {
            try check(request.expectCompressed, call)
            size += request.payload?.body.count ?? 0
        }
        return .with { $0.aggregatedPayloadSize = Int32(clamping: size) }
    }

    private func answerAtEnd(
        _ requests: RequestStream<GRPCTesting.StreamingOutputCallRequest>, _ call: CallContext,
        _ writer: ResponseWriter<GRPCTesting.StreamingOutputCallResponse>
    ) async throws {
        try echoMetadata(call)
        var kept: [GRPCTesting.StreamingOutputCallRequest] = []
        for try await request in requests {
            guard kept.count < Self.mostKept else {
                throw RPCStatus(.resourceExhausted, "more than \(Self.mostKept) requests before the first answer")
            }
            kept.append(request)
        }
        allowCompression(for: kept, call)
        for request in kept { try await send(request, writer) }
    }

    private func send(
        _ request: GRPCTesting.StreamingOutputCallRequest,
        _ writer: ResponseWriter<GRPCTesting.StreamingOutputCallResponse>
    ) async throws {
        try end(as: request.responseStatus)
        for parameters in request.responseParameters {
            if parameters.intervalUs > 0 { try await Task.sleep(for: .microseconds(parameters.intervalUs)) }
            let answer = try GRPCTesting.StreamingOutputCallResponse.with {
                $0.payload = try payload(request.responseType, parameters.size)
            }
            try await writer.write(answer, compress: parameters.compressed?.value ?? false)
        }
    }

    // MARK: What requests ask for

    private func echoMetadata(_ call: CallContext) throws {
        var (initial, trailing) = (Metadata(), Metadata())
        try initial.add(Self.serverName, name)
        for value in call.metadata.values(Self.echoInitial) { try initial.add(Self.echoInitial, value) }
        for value in call.metadata.bytes(Self.echoTrailing) { try trailing.add(Self.echoTrailing, bytes: value) }
        call.setInitialMetadata(initial)
        call.setTrailingMetadata(trailing)
    }

    /// The headers announce an encoding; whether a message uses it is decided for each.
    private func allowCompression(for requests: [GRPCTesting.StreamingOutputCallRequest], _ call: CallContext) {
        let isWanted = requests.contains { $0.responseParameters.contains { $0.compressed?.value == true } }
        if isWanted { call.setResponseCompression(true) }
    }

    private func check(_ expected: GRPCTesting.BoolValue?, _ call: CallContext) throws {
        guard let expected, expected.value != call.requestWasCompressed else { return }
        let (wanted, came) = (expected.value, call.requestWasCompressed)
        throw RPCStatus(.invalidArgument, "expect_compressed is \(wanted), but compressed was \(came)")
    }

    private func end(as status: GRPCTesting.EchoStatus?) throws {
        guard let status, status.code != 0 else { return }
        throw RPCStatus(RPCCode(rawValue: Int(status.code)) ?? .unknown, status.message)
    }

    private func payload(_ type: GRPCTesting.PayloadType, _ size: Int32) throws -> GRPCTesting.Payload {
        guard type == .compressable else {
            throw RPCStatus(.invalidArgument, "payload type \(type): only COMPRESSABLE is supported")
        }
        guard (0...Self.largestResponse).contains(size) else {
            throw RPCStatus(.invalidArgument, "a response of \(size) bytes: 0 to \(Self.largestResponse) are possible")
        }
        return GRPCTesting.Payload(size: Int(size))
    }

    /// A token here is its owner's name: what is tested is that credentials arrive.
    private static func user(of call: CallContext) -> String {
        guard let text = call.metadata["authorization"], text.hasPrefix("Bearer ") else { return "" }
        return String(text.dropFirst("Bearer ".count))
    }
}

// MARK: Typed methods

extension RPCMethod {
    fileprivate static func unary<Input, Output>(
        _ method: ProtoMethod<Input, Output>,
        _ handler: @escaping @Sendable (Input, CallContext) async throws -> Output
    ) -> RPCMethod {
        unary(method.methodPath, request: ProtoCodec<Input>(), response: ProtoCodec<Output>(), handler)
    }

    fileprivate static func serverStreaming<Input, Output>(
        _ method: ProtoMethod<Input, Output>,
        _ handler: @escaping @Sendable (Input, CallContext, ResponseWriter<Output>) async throws -> Void
    ) -> RPCMethod {
        serverStreaming(method.methodPath, request: ProtoCodec<Input>(), response: ProtoCodec<Output>(), handler)
    }

    fileprivate static func clientStreaming<Input, Output>(
        _ method: ProtoMethod<Input, Output>,
        _ handler: @escaping @Sendable (RequestStream<Input>, CallContext) async throws -> Output
    ) -> RPCMethod {
        clientStreaming(method.methodPath, request: ProtoCodec<Input>(), response: ProtoCodec<Output>(), handler)
    }

    fileprivate static func bidirectional<Input, Output>(
        _ method: ProtoMethod<Input, Output>,
        _ handler:
            @escaping @Sendable (RequestStream<Input>, CallContext, ResponseWriter<Output>) async throws -> Void
    ) -> RPCMethod {
        bidirectional(method.methodPath, request: ProtoCodec<Input>(), response: ProtoCodec<Output>(), handler)
    }
}
