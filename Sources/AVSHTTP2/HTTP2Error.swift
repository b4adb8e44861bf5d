import CNGHTTP2

/// A call into libnghttp2 that did not succeed.
public enum HTTP2Error: Error, Hashable, Sendable, CustomStringConvertible {
    /// The library refused: which function, its own code (`NGHTTP2_ERR_…`), its own text.
    case library(call: String, code: Int, text: String)
    /// The library could not allocate.
    case outOfMemory(call: String)
    /// A failed session was used again. After a fatal error only deletion is allowed (NG-6, ATT-16).
    case sessionFailed
    /// A stream that has a data provider was answered once more; the library allows one at a time (NG-10).
    case alreadyAnswered(StreamID)

    public var description: String {
        switch self {
        case .library(let call, let code, let text): "\(call): \(text) (\(code))"
        case .outOfMemory(let call): "\(call): out of memory"
        case .sessionFailed: "the HTTP/2 session has failed before and takes no more input"
        case .alreadyAnswered(let stream): "\(stream) has been answered before"
        }
    }

    /// The first bytes were not the client's magic: not an HTTP/2 client (CON-1).
    public var isBadClientMagic: Bool {
        if case .library(_, let code, _) = self { return code == Int(NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue) }
        return false
    }

    /// Whether a request that was not sent with this code may be sent elsewhere: a GOAWAY came, or the session ends
    /// (NG-13, NG-19).
    public static func neverLeft(code: Int) -> Bool {
        code == Int(NGHTTP2_ERR_START_STREAM_NOT_ALLOWED.rawValue) || code == Int(NGHTTP2_ERR_SESSION_CLOSING.rawValue)
    }

    /// The code of ``HTTP2Event/headersNotSent(_:code:)`` for a section over the library's 64 KiB (LIM-3).
    public static let headersTooLarge = Int(NGHTTP2_ERR_FRAME_SIZE_ERROR.rawValue)

    /// The peer made us queue or decode too much at once (ATT-3, ATT-5, ATT-6).
    public var isFlood: Bool {
        guard case .library(_, let code, _) = self else { return false }
        return code == Int(NGHTTP2_ERR_FLOODED.rawValue) || code == Int(NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue)
    }

    /// No stream number is left on this connection (LIM-5).
    public var isStreamIDNotAvailable: Bool {
        if case .library(_, let code, _) = self { return code == Int(NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE.rawValue) }
        return false
    }

    init(call: String, code: Int) {
        if code == Int(NGHTTP2_ERR_NOMEM.rawValue) {
            self = .outOfMemory(call: call)
        } else {
            let text = unsafe String(cString: nghttp2_strerror(Int32(clamping: code)))
            self = .library(call: call, code: code, text: text)
        }
    }

    /// Throws if `code`, a result of the function named, is an error.
    static func check(_ call: String, _ code: some BinaryInteger) throws(HTTP2Error) {
        if code < 0 { throw HTTP2Error(call: call, code: Int(code)) }
    }
}
