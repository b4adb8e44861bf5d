/// A protobuf enum: a number that may have a name. Open, because a newer peer may send numbers that we do not know;
/// they pass through unchanged.
public protocol ProtoEnum: RawRepresentable<Int32>, Hashable, Sendable, CustomStringConvertible {
    init(rawValue: Int32)

    /// Names as the schema spells them, in order of declaration. Of a number with several names the first is the one
    /// that we print.
    static var declared: [(name: String, value: Self)] { get }
}

extension ProtoEnum {
    /// The value of a name as the schema spells it, aliases too.
    public init?(name: String) {
        guard let found = Self.declared.first(where: { $0.name == name }) else { return nil }
        self = found.value
    }

    /// The schema's name; nil for a number that this build does not know.
    public var name: String? { Self.declared.first { $0.value == self }?.name }

    public var isKnown: Bool { name != nil }

    /// The name, or the number as text.
    public var description: String { name ?? String(rawValue) }
}
