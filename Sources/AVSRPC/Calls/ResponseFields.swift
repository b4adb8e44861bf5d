/// A header section that a client received: response headers, trailers, or both in one (RSP-6).
public struct ResponseFields: Sendable {
    public private(set) var httpStatus: Int?
    public private(set) var contentType = ""
    public private(set) var encoding: MessageEncoding? = .identity
    private var statusText: String?
    private var message: [UInt8] = []
    public private(set) var metadata = Metadata()
    private var isBroken = false

    public init() {}

    public mutating func receive(name: Span<UInt8>, value: Span<UInt8>) {
        if name.equals(":status") {
            httpStatus = Int(String(copying: value))
        } else if name.equals("content-type") {
            contentType = String(copying: value)
        } else if name.equals("grpc-status") {
            statusText = statusText ?? String(copying: value)
        } else if name.equals("grpc-message") {
            message = Array(copying: value)
        } else if name.equals("grpc-encoding") {
            encoding = MessageEncoding(name: value)
        } else if name.equals("grpc-status-details-bin")
            || Metadata.passedThrough.contains(where: { name.isSame(as: $0) })
        {
            if !metadata.receive(name: name, value: value) { isBroken = true }
        } else if !name.hasPrefix("grpc-"), !name.hasPrefix(":") {
            if !metadata.receive(name: name, value: value) { isBroken = true }
        }
    }

    /// A 1xx section, which is skipped.
    public var isInformational: Bool { httpStatus.map { (100..<200).contains($0) } ?? false }

    /// `application/grpc`, alone or with a subtype or parameters.
    var isGRPC: Bool {
        let type = contentType.lowercased()
        return type == "application/grpc" || type.hasPrefix("application/grpc+") || type.hasPrefix("application/grpc;")
    }

    /// The status this section carries, if it carries one. It wins over everything else (MAP-1).
    public var status: RPCStatus? {
        guard let statusText else { return nil }
        let text = RPCStatus.percentDecoded(message)
        if isBroken { return RPCStatus(.internal, "the server sent metadata that is not base64") }
        guard let number = Int(statusText) else {  // STA-2
            return RPCStatus(.unknown, "unreadable grpc-status '\(statusText.prefix(32))': \(text)", metadata: metadata)
        }
        guard let code = RPCCode(rawValue: number) else {
            return RPCStatus(.unknown, "unknown grpc-status \(number): \(text)", metadata: metadata)
        }
        return RPCStatus(code, text, metadata: metadata)
    }

    var hasUnreadableMetadata: Bool { isBroken }
}
