import AVSPrimitives
import AVSProto

/// A stored message as JSON, for a person to look at: every field that is set or has a default, under its name in lower
/// camel case, 64-bit integers as decimal text, bytes in hex, enums by name.
///
/// It walks the message's properties, so that a new field shows up by itself. Nothing reads this form back.
enum RecordView {
    static func json(_ message: some ProtoMessage) -> JSONValue { object(message) }

    private static func object(_ value: Any) -> JSONValue {
        var fields: [String: JSONValue] = [:]
        for child in Mirror(reflecting: value).children {
            guard let label = child.label, let value = unwrapped(child.value) else { continue }
            if let choice = choice(value) {
                fields[choice.name] = choice.value
            } else {
                fields[label.first == "_" ? String(label.dropFirst()) : label] = json(value)
            }
        }
        return .object(fields)
    }

    /// The field of a oneof: an enum whose case is the field's name and carries its value.
    private static func choice(_ value: Any) -> (name: String, value: JSONValue)? {
        let mirror = Mirror(reflecting: value)
        guard !(value is JSONValue), mirror.displayStyle == .enum, let child = mirror.children.first,
            let name = child.label
        else { return nil }
        return (name, unwrapped(child.value).map(json) ?? .null)
    }

    private static func json(_ value: Any) -> JSONValue {
        switch value {
        case let value as JSONValue: value
        case let value as Bool: .bool(value)
        case let value as String: .string(value)
        case let value as [UInt8]: .string(Hex.encode(value))
        case let value as Double: .number(value)
        case let value as Float: .number(Double(value))
        case let value as Int32: .number(Double(value))
        case let value as UInt32: .number(Double(value))
        case let value as any FixedWidthInteger: .string("\(value)")
        case let value as any ProtoEnum: .string(value.description)
        default: container(value)
        }
    }

    private static func container(_ value: Any) -> JSONValue {
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .collection: return .array(mirror.children.map { json($0.value) })
        case .dictionary:
            let pairs = mirror.children.compactMap { child -> (String, JSONValue)? in
                let pair = Mirror(reflecting: child.value).children.map(\.value)
                return pair.count == 2 ? ("\(pair[0])", json(pair[1])) : nil
            }
            return .object(Dictionary(pairs) { $1 })
        default: return object(value)
        }
    }

    /// The value behind an optional and behind ``Indirect``; nil for none.
    private static func unwrapped(_ value: Any) -> Any? {
        let mirror = Mirror(reflecting: value)
        if mirror.displayStyle == .optional { return mirror.children.first.flatMap { unwrapped($0.value) } }
        if let boxed = value as? any Boxed { return unwrapped(boxed.content) }
        return value
    }
}

/// A field that the generated code keeps outside its struct.
private protocol Boxed { var content: Any { get } }

extension Indirect: Boxed { fileprivate var content: Any { wrappedValue } }
