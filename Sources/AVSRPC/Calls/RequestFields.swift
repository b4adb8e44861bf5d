/// The header section that a client sends, in the order that section 3 gives.
public struct RequestFields: Sendable {
    public var path: MethodPath
    public var scheme: String
    public var authority: String
    /// What is left until the deadline when the section is written (DL-2).
    public var timeout: Duration?
    public var userAgent: String
    public var encoding: MessageEncoding
    public var metadata: Metadata

    public init(
        path: MethodPath, scheme: String, authority: String, timeout: Duration? = nil, userAgent: String,
        encoding: MessageEncoding = .identity, metadata: Metadata = Metadata()
    ) {
        self.path = path
        self.scheme = scheme
        self.authority = authority
        self.timeout = timeout
        self.userAgent = userAgent
        self.encoding = encoding
        self.metadata = metadata
    }

    /// Says how often the call was tried before (RT-4).
    public mutating func setPreviousAttempts(_ count: Int) {
        metadata = metadata.removing("grpc-previous-rpc-attempts")
        // Neither name nor value can be refused: the one is a constant, the other a number.
        do throws(MetadataError) { try metadata.add("grpc-previous-rpc-attempts", "\(count)") } catch {}
    }

    public func write(into sink: inout some FieldSink) {
        sink.append(":method", "POST")
        sink.append(":scheme", scheme)
        sink.append(":path", path.text)
        sink.append(":authority", authority)
        if let timeout { sink.append("grpc-timeout", RPCTimeout.encode(timeout), indexed: false) }
        sink.append("te", "trailers")
        sink.append("content-type", ResponseHead.contentType)
        sink.append("user-agent", userAgent)
        if encoding != .identity { sink.append("grpc-encoding", encoding.rawValue) }
        sink.append("grpc-accept-encoding", MessageEncoding.acceptedNames)
        metadata.write(into: &sink)
    }
}
