/// How a message is compressed on the wire (CMP-1).
public enum MessageEncoding: String, Hashable, Sendable, CaseIterable {
    case identity
    /// RFC 1952.
    case gzip
    /// The zlib format, RFC 1950; not a raw deflate stream.
    case deflate

    /// `grpc-accept-encoding` of either side: everything this runtime decompresses.
    static let acceptedNames = "identity,deflate,gzip"

    init?(name: Span<UInt8>) {
        if name.equals("identity") {
            self = .identity
        } else if name.equals("gzip") {
            self = .gzip
        } else if name.equals("deflate") {
            self = .deflate
        } else {
            return nil
        }
    }
}

/// A set of encodings: what a peer says it takes.
public struct EncodingSet: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    public static let gzip = EncodingSet(rawValue: 1)
    public static let deflate = EncodingSet(rawValue: 2)

    public func allows(_ encoding: MessageEncoding) -> Bool {
        switch encoding {
        case .identity: true
        case .gzip: contains(.gzip)
        case .deflate: contains(.deflate)
        }
    }

    /// The one to answer with: what the peer used itself, else the most common that it takes, else none.
    public func choice(after used: MessageEncoding) -> MessageEncoding {
        if used != .identity, allows(used) { return used }
        return contains(.gzip) ? .gzip : contains(.deflate) ? .deflate : .identity
    }

    /// Adds the names of one `grpc-accept-encoding` field; spaces, repeats and unknown names do no harm (CMP-9).
    mutating func receive(_ list: Span<UInt8>) {
        var start = 0
        while start <= list.count {
            var end = start
            while end < list.count, list[end] != UInt8(ascii: ",") { end += 1 }
            switch MessageEncoding(name: list.extracting(list.trimmed(start..<end))) {
            case .gzip: insert(.gzip)
            case .deflate: insert(.deflate)
            case .identity, nil: break
            }
            start = end + 1
        }
    }
}
