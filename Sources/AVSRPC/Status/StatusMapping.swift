/// The tables of section 8: what a client reports when the answer carried no `grpc-status`.
public enum StatusMapping {
    /// The code for an HTTP status (MAP-1).
    public static func code(httpStatus: Int) -> RPCCode {
        switch httpStatus {
        case 400, 431: .internal
        case 401: .unauthenticated
        case 403: .permissionDenied
        case 404: .unimplemented
        case 429, 502, 503, 504: .unavailable
        default: .unknown
        }
    }

    /// The status for a stream that was reset before it had one.
    ///
    /// - Parameters:
    ///   - resetCode: the number in RST_STREAM (RFC 9113, section 7).
    ///   - deadlinePassed: our own deadline is over, so a CANCEL says the same (DL-5).
    public static func status(resetCode: UInt32, deadlinePassed: Bool) -> RPCStatus {
        switch resetCode {
        case 0x7: RPCStatus(.unavailable, "the server refused the stream (REFUSED_STREAM)")
        case 0x8 where deadlinePassed: RPCStatus(.deadlineExceeded, "the deadline passed")
        case 0x8: RPCStatus(.cancelled, "the server cancelled the stream (CANCEL)")
        case 0xb: RPCStatus(.resourceExhausted, "the server asked for less (ENHANCE_YOUR_CALM)")
        case 0xc: RPCStatus(.permissionDenied, "the server wants better security (INADEQUATE_SECURITY)")
        default: RPCStatus(.internal, "the stream was reset before its status, with error code \(resetCode)")
        }
    }
}
