import CNGHTTP2

/// One frame that went or came, for a log (OB-4): what it is and how large, never what it carries. Of header fields
/// there are the names, and the values' lengths: values hold credentials, and what users wrote.
public struct FrameNote: Hashable, Sendable, CustomStringConvertible {
    public var isSent: Bool
    /// `HEADERS`, or the number of a type that RFC 9113 has not.
    public var type: String
    public var stream: StreamID
    public var flags: UInt8
    /// Of the payload, padding included.
    public var lengthBytes: Int
    /// What else is worth a line: names of fields, an error code, the size of a window.
    public var detail = ""

    public var description: String {
        let text = "\(isSent ? "sent" : "received") \(type) on \(stream), flags 0x\(String(flags, radix: 16)), "
        return text + "\(lengthBytes) bytes" + (detail.isEmpty ? "" : ": \(detail)")
    }
}

extension FrameNote {
    private static let names = [
        "DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE",
        "CONTINUATION",
    ]

    init(isSent: Bool, _ head: nghttp2_frame_hd, _ detail: String = "") {
        let type = Int(head.type)
        self.init(
            isSent: isSent, type: type < Self.names.count ? Self.names[type] : "\(type)",
            stream: StreamID(head.stream_id), flags: head.flags, lengthBytes: head.length, detail: detail)
    }

    /// - Parameter fields: of a section that came; the library keeps none of those.
    init(isSent: Bool, _ frame: UnsafePointer<nghttp2_frame>, fields: HeaderBlock?) {
        let head = unsafe frame.pointee.hd
        let detail: String
        switch UInt32(head.type) {
        case NGHTTP2_HEADERS.rawValue:
            detail = unsafe fields.map { $0.names } ?? Self.names(of: frame.pointee.headers)
        case NGHTTP2_RST_STREAM.rawValue:
            detail = unsafe "\(HTTP2ErrorCode(rawValue: frame.pointee.rst_stream.error_code))"
        case NGHTTP2_GOAWAY.rawValue:
            let goAway = unsafe frame.pointee.goaway
            detail = unsafe "\(HTTP2ErrorCode(rawValue: goAway.error_code)), last \(StreamID(goAway.last_stream_id))"
        case NGHTTP2_WINDOW_UPDATE.rawValue:
            detail = unsafe "\(frame.pointee.window_update.window_size_increment) more"
        case NGHTTP2_SETTINGS.rawValue:
            let settings = unsafe frame.pointee.settings
            let entries = unsafe UnsafeBufferPointer(start: settings.iv, count: settings.niv)
            detail = unsafe entries.map { "\($0.settings_id)=\($0.value)" }.joined(separator: " ")
        default:
            detail = ""
        }
        self.init(isSent: isSent, head, detail)
    }

    /// - Parameter headers: of a frame that the library lends for the time of a callback, which this returns within.
    @unsafe private static func names(of headers: nghttp2_headers) -> String {
        let fields = unsafe UnsafeBufferPointer(start: headers.nva, count: headers.nvlen)
        return unsafe fields.map { field in
            unsafe HeaderBlock.summary(
                UnsafeBufferPointer(start: field.name, count: field.namelen).span, valueLength: field.valuelen)
        }.joined(separator: " ")
    }
}

extension HeaderBlock {
    fileprivate static func summary(_ name: Span<UInt8>, valueLength: Int) -> String {
        "\(String(copying: name))(\(valueLength))"
    }

    /// Each field's name and the length of its value.
    fileprivate var names: String {
        var fields: [String] = []
        forEach { name, value in fields.append(Self.summary(name, valueLength: value.count)) }
        return fields.joined(separator: " ")
    }
}
