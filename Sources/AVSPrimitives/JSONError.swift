/// Why bytes are not the JSON we accept, and where.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        /// The document ends inside a value.
        case endsEarly
        /// A byte that cannot stand here; a byte-order mark, a trailing comma and text after the end come out here.
        case unexpectedByte(UInt8)
        /// More than `maximumDepth` arrays and objects inside each other.
        case tooDeep(maximum: Int)
        /// The same key twice in one object.
        case duplicateKey(String)
        /// Not a JSON number: `+1`, `01`, `1.`, `.5`, `0x1`.
        case malformedNumber
        /// Beyond the largest double (`1e400`), or text of more than 1,024 bytes.
        case numberOutOfRange
        /// An unknown escape, a control character, half of a surrogate pair.
        case malformedString
        case invalidUTF8
    }

    public var reason: Reason
    /// In bytes from the start of the document.
    public var offset: Int

    public var description: String {
        let what =
            switch reason {
            case .endsEarly: "the document ends early"
            case .unexpectedByte(let byte): "unexpected byte 0x\(Hex.encode([byte]))"
            case .tooDeep(let maximum): "nested more than \(maximum) deep"
            case .duplicateKey(let key): "key \"\(key.prefix(64))\" appears twice"
            case .malformedNumber: "malformed number"
            case .numberOutOfRange: "number out of range"
            case .malformedString: "malformed string"
            case .invalidUTF8: "invalid UTF-8"
            }
        return "\(what) at byte \(offset)"
    }
}
