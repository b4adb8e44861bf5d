/// Whether bytes are a JSON text of RFC 8259 in UTF-8, by its grammar and nothing else. Without recursion, so that no
/// depth ends it.
enum JSONGrammar {
    static func accepts(_ bytes: [UInt8]) -> Bool {
        guard String(validating: bytes, as: UTF8.self) != nil else { return false }
        var reader = Reader(rest: bytes[...])
        return reader.document()
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>
        /// The brackets that are open, innermost last.
        var open: [UInt8] = []

        init(rest: ArraySlice<UInt8>) { self.rest = rest }

        mutating func document() -> Bool {
            repeat {
                guard valueBegins() else { return false }
                guard valuesEnd() else { return false }
            } while !open.isEmpty
            blanks()
            return rest.isEmpty
        }

        /// A scalar, an empty bracket, or the brackets (and key) before the next scalar.
        private mutating func valueBegins() -> Bool {
            while true {
                blanks()
                if take("{") {
                    blanks()
                    if take("}") { return true }
                    open.append(UInt8(ascii: "{"))
                    guard key() else { return false }
                } else if take("[") {
                    blanks()
                    if take("]") { return true }
                    open.append(UInt8(ascii: "["))
                } else {
                    if rest.first == UInt8(ascii: "\"") { return string() }
                    return take("true") || take("false") || take("null") || number()
                }
            }
        }

        /// What follows a value: closing brackets, then a comma (and key) or the end.
        private mutating func valuesEnd() -> Bool {
            while let bracket = open.last {
                blanks()
                let isObject = bracket == UInt8(ascii: "{")
                if take(",") { return isObject ? key() : true }
                guard take(isObject ? "}" : "]") else { return false }
                open.removeLast()
            }
            return true
        }

        private mutating func key() -> Bool {
            blanks()
            guard string() else { return false }
            blanks()
            return take(":")
        }

        private mutating func blanks() { rest = rest.drop { [0x20, 0x09, 0x0a, 0x0d].contains($0) } }

        private mutating func take(_ text: StaticString) -> Bool {
            let bytes = Array("\(text)".utf8)
            guard rest.starts(with: bytes) else { return false }
            rest = rest.dropFirst(bytes.count)
            return true
        }

        private mutating func digits() -> Bool {
            let count = rest.prefix { (0x30...0x39).contains($0) }.count
            rest = rest.dropFirst(count)
            return count > 0
        }

        private mutating func number() -> Bool {
            _ = take("-")
            guard take("0") || digits() else { return false }
            if take("."), !digits() { return false }
            guard take("e") || take("E") else { return true }
            _ = take("+") || take("-")
            return digits()
        }

        private mutating func string() -> Bool {
            guard take("\"") else { return false }
            while let byte = rest.popFirst() {
                switch byte {
                case UInt8(ascii: "\""): return true
                case 0..<0x20: return false
                case UInt8(ascii: "\\"): guard escape() else { return false }
                default: continue
                }
            }
            return false
        }

        /// The grammar allows half a surrogate pair; UTF-8 has no way to hold it, so here it is none.
        private mutating func escape() -> Bool {
            guard let letter = rest.popFirst() else { return false }
            guard letter == UInt8(ascii: "u") else { return "\"\\/bfnrt".utf8.contains(letter) }
            guard let first = unit() else { return false }
            guard (0xd800..<0xe000).contains(first) else { return true }
            guard first < 0xdc00, take("\\u"), let second = unit() else { return false }
            return (0xdc00..<0xe000).contains(second)
        }

        private mutating func unit() -> UInt32? {
            let digits = rest.prefix(4)
            let isHex: (UInt8) -> Bool = { "0123456789abcdefABCDEF".utf8.contains($0) }
            guard digits.count == 4, digits.allSatisfy(isHex) else { return nil }
            rest = rest.dropFirst(4)
            return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        }
    }
}
