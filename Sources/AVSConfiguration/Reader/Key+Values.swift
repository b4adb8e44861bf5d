import Yams

// Keys with one value each.
extension Key {
    typealias Property<Value> = any WritableKeyPath<Section, Value> & Sendable

    /// A value that has a default.
    static func value<Value>(_ name: String, _ property: Property<Value>, _ format: ScalarFormat<Value>) -> Key {
        Key(
            name: name, isRequired: false,
            read: { node, section, context in
                if let value = context.scalar(node, format) { section[keyPath: property] = value }
            },
            node: { format.node($0[keyPath: property]) },
            described: { [KeyDescription(path: $0, allowed: format.allowed)] })
    }

    /// A value that must be in the file.
    static func required<Value>(_ name: String, _ property: Property<Value>, _ format: ScalarFormat<Value>) -> Key {
        let key = value(name, property, format)
        return Key(name: name, isRequired: true, read: key.read, node: key.node, described: key.described)
    }

    /// A value that need not exist: without one the default stands, and an empty text says *none*.
    static func optional<Value>(_ name: String, _ property: Property<Value?>, _ format: ScalarFormat<Value>) -> Key {
        Key(
            name: name, isRequired: false,
            read: { node, section, context in
                if node.scalar?.string.isEmpty == true {
                    section[keyPath: property] = nil
                } else if let value = context.scalar(node, format) {
                    section[keyPath: property] = value
                }
            },
            node: { section in
                if let value = section[keyPath: property] { return format.node(value) }
                return Section()[keyPath: property] == nil ? nil : Node("", Tag(.str), .doubleQuoted)
            },
            described: { [KeyDescription(path: $0, allowed: "\(format.allowed), or \"\" for none")] })
    }
}

extension SectionContext {
    /// The value of a scalar node, or nil and a problem.
    func scalar<Value>(_ node: Node, _ format: ScalarFormat<Value>) -> Value? {
        guard let scalar = node.scalar else {
            refuse("a \(node.kindName) is not allowed here: wanted \(format.allowed)", at: node)
            return nil
        }
        if case .plain = format.style, scalar.style != .plain {
            refuse("`\"\(scalar.string.prefix(64))\"` in quotes is a text: wanted \(format.allowed)", at: node)
            return nil
        }
        guard let value = format.parse(scalar.string, reader.facts.acceptsMarks) else {
            let shown = format.shown(scalar.string).map { "`\($0)`" } ?? "the value"
            refuse("\(shown) is not allowed: wanted \(format.allowed)", at: node)
            return nil
        }
        reader.noteSecret(value, format)
        return format.placed(value, reader.folder)
    }
}

extension ScalarFormat {
    func node(_ value: Value) -> Node {
        let text = text(value)
        if case .plain = style { return Node(text, Tag(.implicit), .plain) }
        return Node(text, Tag(.str), Self.isPlain(text) ? .plain : .doubleQuoted)
    }

    /// Whether a text can stand in YAML without quotes and is a text to every reader: starts with a letter or `/`, has
    /// nothing that means something, and is none of the words that YAML 1.1 turns into values.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, first == UInt8(ascii: "/") || isLetter(first) else { return false }
        let words = ["y", "n", "yes", "no", "true", "false", "on", "off", "null", "nan", "inf"]
        guard !words.contains(text.lowercased()) else { return false }
        return text.utf8.allSatisfy { byte in
            isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "/._-".utf8.contains(byte)
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}

extension Node {
    var kindName: String {
        switch self {
        case .scalar: "value"
        case .mapping: "mapping"
        case .sequence: "list"
        case .alias: "reference"
        }
    }

    /// `key:` with nothing behind it, `~` or `null`: as if the key were not there.
    var isNull: Bool {
        guard let scalar, scalar.style == .plain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }
}
