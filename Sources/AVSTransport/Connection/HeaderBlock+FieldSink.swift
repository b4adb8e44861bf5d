import AVSHTTP2
import AVSRPC

/// Lets a call's headers be written straight into an HTTP/2 header block.
struct HeaderBlockSink: FieldSink {
    fileprivate var block = HeaderBlock()

    mutating func append(name: Span<UInt8>, value: Span<UInt8>, indexed: Bool) {
        block.append(name: name, value: value, indexed: indexed)
    }
}

extension HeaderBlock {
    /// A block of what `write` appends.
    init(_ write: (inout HeaderBlockSink) -> Void) {
        var sink = HeaderBlockSink()
        write(&sink)
        self = sink.block
    }
}

extension PreparedHeaders {
    /// The headers of nearly every response (SP-6).
    static let plainResponse = PreparedHeaders(HeaderBlock { ResponseHead.write(into: &$0) })

    /// The same for requests that say `+proto`.
    static let protoResponse = PreparedHeaders(HeaderBlock { ResponseHead.write(into: &$0, as: .proto) })

    /// The trailers of nearly every success (SP-6).
    static let okTrailers = PreparedHeaders(HeaderBlock { ResponseHead.writeTrailers(.ok, into: &$0) })
}

extension ChunkLead {
    /// The prefix of a message (MSG-1). Messages are far below 4 GiB: limits and memory see to that.
    init(_ message: OutgoingMessage) {
        self.init(message.isCompressed ? 1 : 0, UInt32(clamping: message.bytes.count))
    }
}
