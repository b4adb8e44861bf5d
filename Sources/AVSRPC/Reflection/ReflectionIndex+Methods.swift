extension ReflectionIndex {
    /// `ServerReflectionInfo` of both versions; they differ in the package's name only (RF-1).
    public var methods: [RPCMethod] {
        Self.serviceNames.map { service in
            .bidirectional(
                MethodPath(service: service, method: "ServerReflectionInfo"), request: .bytes, response: .bytes,
                options: .init(requestLimitBytes: 16 * 1024)
            ) { requests, _, writer in
                var sent: Set<String> = []
                for try await request in requests { try await writer.write(answer(request, sent: &sent)) }
            }
        }
    }

    /// Answers one serialized `ServerReflectionRequest` with a `ServerReflectionResponse { valid_host 1,
    /// original_request 2, one of 4…7 }` (RF-2): what ``methods`` do with each message, for who has another transport.
    ///
    /// - Parameter sent: the files that this stream has had already; those that the answer brings are added.
    /// - Throws: ``RPCStatus`` INTERNAL for bytes that are no request.
    public func answer(_ request: [UInt8], sent: inout Set<String>) throws -> [UInt8] {
        do {
            return try answer(decoding: request, sent: &sent)
        } catch {
            throw RPCStatus(.internal, "the request could not be decoded: \(error)")
        }
    }

    private func answer(decoding request: [UInt8], sent: inout Set<String>) throws -> [UInt8] {
        var host = ""
        var question: (number: Int, value: ArraySlice<UInt8>)?
        try ProtoWire.forEachField(of: request[...]) { number, value in
            guard case .bytes(let bytes) = value else { return }
            if number == 1 { host = value.text ?? "" }
            if (3...7).contains(number) { question = (number, bytes) }
        }
        var response: [UInt8] = []
        if !host.isEmpty { ProtoWire.append(field: 1, host.utf8, to: &response) }
        ProtoWire.append(field: 2, request, to: &response)
        let (field, body) = try body(question, sent: &sent)
        ProtoWire.append(field: field, body, to: &response)
        return response
    }

    private func body(
        _ question: (number: Int, value: ArraySlice<UInt8>)?, sent: inout Set<String>
    ) throws -> (field: Int, [UInt8]) {
        guard let question else { return failure(.invalidArgument, "the request asks for nothing") }
        let text = String(decoding: question.value, as: UTF8.self)
        switch question.number {
        case 3: return fileAnswer(files[text] == nil ? nil : text, "file '\(text)'", &sent)
        case 4: return fileAnswer(file(containing: text), "symbol '\(text)'", &sent)
        case 5:
            let (type, number) = try Self.extensionRequest(question.value)
            return fileAnswer(file(extending: type, number), "extension \(number) of '\(type)'", &sent)
        case 6:
            guard let numbers = extensionNumbers(of: text) else {
                return failure(.notFound, "type '\(text)' not found")
            }
            var body: [UInt8] = []
            ProtoWire.append(field: 1, text.utf8, to: &body)
            for number in numbers { ProtoWire.append(field: 2, varint: UInt64(bitPattern: Int64(number)), to: &body) }
            return (5, body)
        default:
            var body: [UInt8] = []
            for service in services {
                var entry: [UInt8] = []
                ProtoWire.append(field: 1, service.utf8, to: &entry)
                ProtoWire.append(field: 1, entry, to: &body)
            }
            return (6, body)
        }
    }

    /// `FileDescriptorResponse { file_descriptor_proto 1 }`
    private func fileAnswer(_ name: String?, _ what: String, _ sent: inout Set<String>) -> (field: Int, [UInt8]) {
        guard let name else { return failure(.notFound, "\(what) not found") }
        var body: [UInt8] = []
        for file in withImports(name, sent: &sent) { ProtoWire.append(field: 1, file, to: &body) }
        return (4, body)
    }

    /// `ErrorResponse { error_code 1, error_message 2 }`; the stream goes on (RF-3).
    private func failure(_ code: RPCCode, _ text: String) -> (field: Int, [UInt8]) {
        var body: [UInt8] = []
        ProtoWire.append(field: 1, varint: UInt64(code.rawValue), to: &body)
        ProtoWire.append(field: 2, text.utf8, to: &body)
        return (7, body)
    }

    /// `ExtensionRequest { containing_type 1, extension_number 2 }`
    private static func extensionRequest(_ bytes: ArraySlice<UInt8>) throws -> (String, Int) {
        var (type, field) = ("", 0)
        try ProtoWire.forEachField(of: bytes) { number, value in
            if number == 1 { type = value.text ?? "" }
            if number == 2, case .varint(let raw) = value { field = Int(truncatingIfNeeded: raw) }
        }
        return (type, field)
    }
}
