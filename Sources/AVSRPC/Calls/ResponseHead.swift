/// Header sections that a server sends.
public enum ResponseHead {
    public static let contentType = "application/grpc"

    /// An answer has the content-type of its request (HDR-3).
    public enum ContentType: String, Hashable, Sendable {
        case plain = "application/grpc"
        case proto = "application/grpc+proto"
    }

    /// The section before the first message (RSP-1).
    public static func write(
        into sink: inout some FieldSink, as type: ContentType = .plain, encoding: MessageEncoding = .identity,
        metadata: Metadata = Metadata()
    ) {
        sink.append(":status", "200")
        sink.append("content-type", type.rawValue)
        if encoding != .identity { sink.append("grpc-encoding", encoding.rawValue) }
        sink.append("grpc-accept-encoding", MessageEncoding.acceptedNames)
        metadata.write(into: &sink)
    }

    /// The end after messages (RSP-1, RSP-4).
    ///
    /// Trailers are cut to `limitBytes`, to 8 KiB in any case: first the text is shortened, then the details are left
    /// out, then the rest of the metadata (RSP-7). Widely used clients refuse more and report another error in its
    /// place.
    ///
    /// - Parameter limitBytes: the header list size that the peer announced.
    /// - Returns: whether something was left out.
    @discardableResult
    public static func writeTrailers(_ status: RPCStatus, into sink: inout some FieldSink, limitBytes: Int = 8 * 1024)
        -> Bool
    {
        sink.append("grpc-status", String(status.code.rawValue))
        let room = max(256, min(limitBytes, 8 * 1024)) - 128  // for the fields around these
        var metadata = status.metadata
        var isCut = false
        if metadata.wireSizeBytes > room - min(room, shortTextBytes) {
            isCut = true
            metadata = metadata.removing("grpc-status-details-bin")
            if metadata.wireSizeBytes > room - min(room, shortTextBytes) { metadata = Metadata() }
        }
        if !status.message.isEmpty {
            let text = encodedText(status.message, roomBytes: room - metadata.wireSizeBytes)
            sink.append(name: "grpc-message".utf8Span.span, value: text.span, indexed: false)
        }
        metadata.write(into: &sink)
        return isCut
    }

    /// Metadata leaves at least this much to the text.
    private static let shortTextBytes = 512

    private static func encodedText(_ text: String, roomBytes: Int) -> [UInt8] {
        var limit = RPCStatus.messageLimitBytes
        var encoded = RPCStatus.percentEncoded(text, limitBytes: limit)
        while encoded.count > roomBytes, limit > 16 {
            limit = limit * 3 / 4
            encoded = RPCStatus.percentEncoded(text, limitBytes: limit)
        }
        return encoded
    }

    /// The whole answer in one section (RSP-2).
    ///
    /// - Parameter httpStatus: 200 but for what is wrong as HTTP already (HDR-8).
    /// - Returns: whether something was left out.
    @discardableResult
    public static func writeTrailersOnly(
        _ status: RPCStatus, into sink: inout some FieldSink, as type: ContentType = .plain, httpStatus: Int = 200,
        limitBytes: Int = 8 * 1024
    ) -> Bool {
        sink.append(":status", String(httpStatus))
        sink.append("content-type", type.rawValue)
        if status.code == .unimplemented { sink.append("grpc-accept-encoding", MessageEncoding.acceptedNames) }
        return writeTrailers(status, into: &sink, limitBytes: limitBytes)
    }
}
