extension HealthBoard {
    public static let serviceName = "grpc.health.v1.Health"

    // MARK: For clients (HL-5)

    public static let watchPath = MethodPath(service: serviceName, method: "Watch")

    /// The request of `Watch`.
    public static func watchRequest(for service: String) -> [UInt8] {
        HealthRequest.codec.encode(HealthRequest(service: service))
    }

    /// What an answer of `Watch` says; nil for bytes that are none.
    public static func serving(in answer: [UInt8]) -> Serving? {
        do { return try HealthAnswer.codec.decode(answer).status } catch { return nil }
    }

    // MARK: For servers

    /// `Check`, `Watch` and `List` over this board (section 17).
    public var methods: [RPCMethod] { [check, watch, list] }

    /// A name has at most this many bytes; the requests are anonymous.
    private static let options = RPCMethod.Options(requestLimitBytes: 4 * 1024)

    private func path(_ method: String) -> MethodPath { MethodPath(service: Self.serviceName, method: method) }

    private var check: RPCMethod {
        .unary(path("Check"), request: HealthRequest.codec, response: HealthAnswer.codec, options: Self.options) {
            request, _ in
            guard let status = self.status(of: request.service) else {
                throw RPCStatus(.notFound, "unknown service '\(request.service)'")
            }
            return HealthAnswer(status: status)
        }
    }

    private var watch: RPCMethod {
        .serverStreaming(
            path("Watch"), request: HealthRequest.codec, response: HealthAnswer.codec, options: Self.options
        ) { request, _, writer in
            let (id, statuses) = self.watch(request.service)
            defer { self.stopWatching(id) }
            for await status in statuses { try await writer.write(HealthAnswer(status: status)) }
            try Task.checkCancellation()
            throw RPCStatus(.unavailable, "the server is shutting down")
        }
    }

    private var list: RPCMethod {
        .unary(path("List"), request: .bytes, response: .bytes, options: Self.options) { _, _ in
            let all = self.all
            guard all.count <= Self.listLimit else {
                let text = "there are \(all.count) services; List shows at most \(Self.listLimit)"
                throw RPCStatus(.resourceExhausted, text).with(.never, limit: "services of a list")
            }
            var answer: [UInt8] = []
            for (service, status) in all.sorted(by: { $0.key < $1.key }) {
                var entry: [UInt8] = []
                ProtoWire.append(field: 1, service.utf8, to: &entry)
                ProtoWire.append(field: 2, HealthAnswer(status: status).bytes, to: &entry)
                ProtoWire.append(field: 1, entry, to: &answer)
            }
            return answer
        }
    }
}

/// `HealthCheckRequest { service: 1 }`
struct HealthRequest: Sendable {
    var service = ""

    struct Codec: MessageCodec {
        func decode(_ bytes: [UInt8]) throws -> HealthRequest {
            var request = HealthRequest()
            try ProtoWire.forEachField(of: bytes[...]) { number, value in
                if number == 1, let text = value.text { request.service = text }
            }
            return request
        }

        func encode(_ message: HealthRequest) -> [UInt8] {
            var bytes: [UInt8] = []
            if !message.service.isEmpty { ProtoWire.append(field: 1, message.service.utf8, to: &bytes) }
            return bytes
        }
    }

    static let codec = Codec()
}

/// `HealthCheckResponse { status: 1 }`
struct HealthAnswer: Sendable {
    var status: HealthBoard.Serving

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        if status != .unknown { ProtoWire.append(field: 1, varint: status.rawValue, to: &bytes) }
        return bytes
    }

    struct Codec: MessageCodec {
        func decode(_ bytes: [UInt8]) throws -> HealthAnswer {
            var answer = HealthAnswer(status: .unknown)
            try ProtoWire.forEachField(of: bytes[...]) { number, value in
                if number == 1, case .varint(let raw) = value { answer.status = .init(rawValue: raw) ?? .unknown }
            }
            return answer
        }

        func encode(_ message: HealthAnswer) -> [UInt8] { message.bytes }
    }

    static let codec = Codec()
}
