import AVSPrimitives

/// A plain path such as `a.data.list[1]["k"]`, in ASCII and without blanks, followed by looking at everything.
struct SlowPath {
    enum Value {
        case value(JSONValue)
        case missing
        case thrown
        case halfACharacter
    }

    private var root = ""
    private var keys: [String] = []

    var length: Int { keys.count }

    /// Nil for whatever is not so plain.
    init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        guard let root = Self.name(&rest), root != "typeof" else { return nil }
        self.root = root
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "."):
                guard let name = Self.name(&rest) else { return nil }
                keys.append(name)
            case UInt8(ascii: "["):
                guard let key = Self.index(&rest) ?? Self.quoted(&rest), rest.popFirst() == UInt8(ascii: "]") else {
                    return nil
                }
                keys.append(key)
            default: return nil
            }
        }
    }

    private static func name(_ rest: inout ArraySlice<UInt8>) -> String? {
        func isLetter(_ byte: UInt8) -> Bool {
            (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == 0x24 || byte == 0x5f
        }
        guard let first = rest.first, isLetter(first) else { return nil }
        let name = rest.prefix { isLetter($0) || (0x30...0x39).contains($0) }
        rest = rest.dropFirst(name.count)
        return String(decoding: name, as: UTF8.self)
    }

    private static func index(_ rest: inout ArraySlice<UInt8>) -> String? {
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard (1...9).contains(digits.count), digits.count == 1 || digits.first != 0x30 else { return nil }
        rest = rest.dropFirst(digits.count)
        return String(decoding: digits, as: UTF8.self)
    }

    private static func quoted(_ rest: inout ArraySlice<UInt8>) -> String? {
        guard let quote = rest.first, quote == 0x22 || quote == 0x27 else { return nil }
        let inner = rest.dropFirst().prefix { $0 != quote && $0 != 0x5c && (0x20...0x7e).contains($0) }
        guard rest.dropFirst(inner.count + 1).first == quote else { return nil }
        rest = rest.dropFirst(inner.count + 2)
        return String(decoding: inner, as: UTF8.self)
    }

    /// Nil where there is no variable: it may be one of JavaScript's own.
    func value(in variables: [String: JSONValue]) -> Value? {
        guard var value = variables.first(where: { $0.key.utf8.elementsEqual(root.utf8) })?.value else { return nil }
        for (depth, key) in keys.enumerated() {
            switch Self.member(key, of: value) {
            case .value(let member): value = member
            case let other: return depth == keys.count - 1 || Self.isHalf(other) ? other : .thrown
            }
            if case .null = value, depth < keys.count - 1 { return .thrown }
        }
        return .value(value)
    }

    private static func isHalf(_ value: Value) -> Bool {
        if case .halfACharacter = value { true } else { false }
    }

    private static func member(_ key: String, of value: JSONValue) -> Value {
        switch value {
        case .null: return .thrown
        case .bool, .number: return .missing
        case .object(let members):
            return members.first { $0.key.utf8.elementsEqual(key.utf8) }.map { .value($0.value) } ?? .missing
        case .array(let elements):
            if key == "length" { return .value(.number(Double(elements.count))) }
            return elements.indices.first { "\($0)" == key }.map { .value(elements[$0]) } ?? .missing
        case .string(let text):
            let units = Array(text.utf16)
            if key == "length" { return .value(.number(Double(units.count))) }
            guard let index = units.indices.first(where: { "\($0)" == key }) else { return .missing }
            guard !(0xd800...0xdfff).contains(units[index]) else { return .halfACharacter }
            return .value(.string(String(decoding: [units[index]], as: UTF16.self)))
        }
    }
}
