import AVSPrimitives
import AVSStorage

/// Keys as people type them: printable ASCII as it is, any other byte as `\xNN`.
///
/// The inverse of what a listing shows, so that a key can be copied from one command into the next.
public enum KeyText {
    /// The whole key; unlike an error's text it is never cut.
    public static func text(of key: [UInt8]) -> String {
        let backslash = UInt8(ascii: "\\")
        return key.reduce(into: "") { text, byte in
            if (0x20...0x7e).contains(byte), byte != backslash {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "\\x" + Hex.encode([byte])
            }
        }
    }

    /// Nil for a backslash that starts no `\xNN`, and for more bytes than a key can have. Text beyond ASCII stands for
    /// its UTF-8.
    public static func key(_ text: String) -> [UInt8]? {
        var key: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                key.append(byte)
                continue
            }
            guard rest.popFirst() == UInt8(ascii: "x"), rest.count >= 2,
                let decoded = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self)), decoded.count == 1
            else { return nil }
            key += decoded
            rest = rest.dropFirst(2)
        }
        return key.count <= StorageLimits.keyBytesMax ? key : nil
    }
}
