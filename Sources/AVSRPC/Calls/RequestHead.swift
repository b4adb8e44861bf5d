/// The header section of a request, taken apart field by field as it came (section 3).
///
/// Nothing fails while fields arrive. ``verdict`` looks at the whole, in the order that decides which answer a peer
/// gets.
public struct RequestHead: Sendable {
    /// What the server does about a request.
    public enum Verdict: Sendable {
        case accept(RPCMethod)
        /// A gRPC answer without a message (RSP-2).
        case refuse(RPCStatus)
        /// The same for a request that is no good as HTTP (HDR-8).
        case refuseMalformed(RPCStatus)
        /// Not gRPC: an HTTP answer with a small text body.
        case http(status: Int, text: String)
    }

    private enum ContentType: Sendable {
        case missing, grpc
        case unknownSubtype(String)
        case other
    }
    private enum Path: Sendable {
        case missing
        case known(RPCMethod)
        case unknown(RPCStatus)
    }

    private let methods: MethodTable
    private let requiresTrailers: Bool
    private var isPost = false
    /// Answers to HEAD have no content.
    public private(set) var isHead = false
    private var path = Path.missing
    private var contentType = ContentType.missing
    private var hosts = 0
    private var acceptsTrailers = false
    private var unknownEncoding: String?
    private var brokenField: String?
    /// What to say if fields are missing.
    private var oversize: String?

    /// What the answer's content-type is.
    public private(set) var answersAs = ResponseHead.ContentType.plain
    /// `:authority`, else `host`.
    public private(set) var authority = ""
    /// What `grpc-timeout` said; nil if there was none.
    public private(set) var timeout: RPCTimeout.Parsed?
    public private(set) var encoding = MessageEncoding.identity
    public private(set) var acceptedEncodings: EncodingSet = []
    private var fields = Metadata()
    private var cookies: [UInt8] = []

    /// What the handler sees. Several `cookie` fields are one (HDR-14).
    public var metadata: Metadata {
        guard !cookies.isEmpty else { return fields }
        var metadata = fields
        _ = metadata.receive(name: "cookie".utf8Span.span, value: cookies.span)
        return metadata
    }

    /// - Parameter requiresTrailers: refuse requests without `te: trailers` (HDR-4).
    public init(methods: MethodTable, requiresTrailers: Bool = false) {
        self.methods = methods
        self.requiresTrailers = requiresTrailers
    }

    /// The section was over one of the limits of LIM-1; some fields are missing.
    public mutating func markOversized(limitBytes: Int, fieldLimit: Int) {
        oversize = "the request's headers are over a limit: \(limitBytes) bytes and \(fieldLimit) fields are allowed"
    }

    /// Takes one field. Names are lower case; HTTP/2 has no others.
    public mutating func receive(name: Span<UInt8>, value: Span<UInt8>) {
        guard !name.isEmpty else { return }
        switch name[0] {
        case UInt8(ascii: ":"): receivePseudo(name: name, value: value)
        case UInt8(ascii: "g") where name.hasPrefix("grpc-"): receiveReserved(name: name, value: value)
        case UInt8(ascii: "c") where name.equals("content-type"): receiveContentType(value)
        case UInt8(ascii: "t") where name.equals("te"): acceptsTrailers = value.equals("trailers")
        case UInt8(ascii: "h") where name.equals("host"):
            hosts += 1
            if authority.isEmpty { authority = String(copying: value) }
        case UInt8(ascii: "c") where name.equals("content-length"): break
        case UInt8(ascii: "c") where name.equals("cookie"):
            if !cookies.isEmpty { cookies += [UInt8(ascii: ";"), UInt8(ascii: " ")] }
            cookies.append(copying: value)
        default: receiveMetadata(name: name, value: value)
        }
    }

    private mutating func receivePseudo(name: Span<UInt8>, value: Span<UInt8>) {
        if name.equals(":method") {
            isPost = value.equals("POST")
            isHead = value.equals("HEAD")
        } else if name.equals(":path") {
            path = methods.method(value).map { .known($0) } ?? .unknown(methods.unknown(value))
        } else if name.equals(":authority") {
            authority = String(copying: value)
        }
    }

    private mutating func receiveReserved(name: Span<UInt8>, value: Span<UInt8>) {
        if name.equals("grpc-timeout") {
            timeout = RPCTimeout.parse(value)
        } else if name.equals("grpc-encoding") {
            if let known = MessageEncoding(name: value) {
                encoding = known
            } else {
                unknownEncoding = String(String(copying: value).prefix(64))
            }
        } else if name.equals("grpc-accept-encoding") {
            acceptedEncodings.receive(value)
        } else if Metadata.passedThrough.contains(where: { name.isSame(as: $0) }) {
            receiveMetadata(name: name, value: value)
        }  // other reserved names are dropped (HDR-10)
    }

    private mutating func receiveContentType(_ value: Span<UInt8>) {
        let length = ResponseHead.contentType.utf8.count
        guard value.count >= length, value.extracting(first: length).equalsIgnoringCase("application/grpc") else {
            contentType = .other
            return
        }
        let rest = value.extracting(length...)
        if rest.isEmpty || rest[0] == UInt8(ascii: ";") || rest.equalsIgnoringCase("+proto")
            || rest.count > 6 && rest.extracting(first: 7).equalsIgnoringCase("+proto;")
        {
            contentType = .grpc
            if !rest.isEmpty, rest[0] == UInt8(ascii: "+") { answersAs = .proto }
        } else if rest[0] == UInt8(ascii: "+") {
            contentType = .unknownSubtype(String(String(copying: rest.extracting(1...)).prefix(64)))
        } else {
            contentType = .other
        }
    }

    private mutating func receiveMetadata(name: Span<UInt8>, value: Span<UInt8>) {
        if !fields.receive(name: name, value: value) { brokenField = String(String(copying: name).prefix(64)) }
    }

    /// What to do, in the order of section 3.
    public var verdict: Verdict {
        if let oversize { return oversized(oversize) }
        guard isPost else { return .http(status: 405, text: "gRPC requests use POST\n") }
        switch contentType {
        case .missing, .other:
            return .http(status: 415, text: "this port speaks gRPC: content-type must be application/grpc\n")
        case .unknownSubtype(let subtype):
            return .refuse(RPCStatus(.unimplemented, "no codec for content-type application/grpc+\(subtype)"))
        case .grpc: break
        }
        if hosts > 1 { return .refuseMalformed(RPCStatus(.internal, "the request names \(hosts) hosts")) }
        if requiresTrailers, !acceptsTrailers {
            return .refuse(RPCStatus(.internal, "the request lacks 'te: trailers'"))
        }
        if case .malformed = timeout { return .refuse(RPCStatus(.internal, "malformed grpc-timeout")) }
        if let brokenField { return .refuse(RPCStatus(.internal, "metadata '\(brokenField)' is not base64")) }
        switch path {
        case .missing: return .refuse(RPCStatus(.unimplemented, "the request has no path"))
        case .unknown(let status): return .refuse(status)
        case .known(let method):
            if let unknownEncoding {
                return .refuse(RPCStatus(.unimplemented, "unknown grpc-encoding '\(unknownEncoding)'"))
            }
            return .accept(method)
        }
    }

    private func oversized(_ text: String) -> Verdict {
        if case .grpc = contentType {
            return .refuse(RPCStatus(.resourceExhausted, text).with(.never, limit: "size of a request's headers"))
        }
        return .http(status: 431, text: text + "\n")
    }
}
