/// Writes a key: the table's prefix, then parts with a colon between them.
public struct KeyEncoder: Sendable {
    public private(set) var bytes: [UInt8]
    private var isFirst = true

    public init(_ table: Table) {
        bytes = Array(table.prefix.utf8)
    }

    /// Adds a part. Its type has validated it; a byte that still does not belong into a key is written as `%NN`, so
    /// that even a faulty part can never pass for another key (KEY-5).
    public mutating func append(_ part: some KeyPart) {
        beginPart()
        let part = part.keyPart
        if part.allSatisfy(Self.isPlain) { bytes += part } else { appendEscaped(part) }
    }

    private mutating func appendEscaped(_ part: [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        for byte in part {
            if Self.isPlain(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x21...0x7e).contains(byte) && byte != UInt8(ascii: ":") && byte != UInt8(ascii: "%")
    }

    /// Adds a part that is the same in every key, for example the `seq` of a counter.
    public mutating func append(literal text: StaticString) {
        beginPart()
        bytes += Array(text.description.utf8)
    }

    /// Ends the prefix of a scan at a part's boundary, so that `u:1` does not match `u:12`.
    mutating func endPrefix() {
        if !isFirst { bytes.append(UInt8(ascii: ":")) }
    }

    private mutating func beginPart() {
        if !isFirst { bytes.append(UInt8(ascii: ":")) }
        isFirst = false
    }
}
