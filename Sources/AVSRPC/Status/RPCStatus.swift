/// The end of a call: a code, a text for people, and trailing metadata. Handlers throw it, clients catch it.
///
/// What a peer sees says what it can fix. The cause of an internal failure belongs into the log, not here.
public struct RPCStatus: Error, Hashable, Sendable, CustomStringConvertible {
    /// Texts are cut to this before percent-encoding triples them (STA-4).
    public static let messageLimitBytes = 4 * 1024

    public var code: RPCCode
    public var message: String
    /// Trailing metadata. `grpc-status-details-bin` is among it when the application sent it (STA-5).
    public var metadata: Metadata

    public init(_ code: RPCCode, _ message: String = "", metadata: Metadata = Metadata()) {
        self.code = code
        self.message = message
        self.metadata = metadata
    }

    public static let ok = RPCStatus(.ok)

    public var isOK: Bool { code == .ok }

    public var description: String { message.isEmpty ? "\(code)" : "\(code): \(message)" }

    /// A status as it is; cancellation as CANCELLED; any other error as UNKNOWN with its text hidden (MSG-10): an error
    /// that nobody translated may carry what a peer must not see.
    public init(_ error: any Error) {
        switch error {
        case let status as RPCStatus: self = status
        case is CancellationError: self.init(.cancelled, "the call was cancelled")
        default: self.init(.unknown, "the server failed; its log says more")
        }
    }
}

extension RPCStatus {
    /// `grpc-message`: UTF-8 with every byte outside 0x20…0x7E, and the percent sign, as `%XX` (STA-3, STA-4).
    static func percentEncoded(_ text: String, limitBytes: Int = messageLimitBytes) -> [UInt8] {
        let bytes = Array(text.utf8)
        var end = min(bytes.count, limitBytes)
        if end < bytes.count {  // back to the start of a character
            while end > 0, bytes[end] & 0xc0 == 0x80 { end -= 1 }
        }
        var encoded: [UInt8] = []
        encoded.reserveCapacity(end)
        for byte in bytes[..<end] {
            if (0x20...0x7e).contains(byte), byte != UInt8(ascii: "%") {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), upperHexDigit(byte >> 4), upperHexDigit(byte & 0xf)]
            }
        }
        return encoded
    }

    /// Never fails: a broken escape stays as it is, invalid UTF-8 becomes the replacement character (STA-3).
    static func percentDecoded(_ bytes: [UInt8]) -> String {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let high = hexValue(bytes[index + 1]), let low = hexValue(bytes[index + 2])
            {
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    private static func upperHexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
