/// A protobuf message as a Swift value.
///
/// Properties are the message's fields in lower camel case: a plain field is a value with protobuf's default,
/// `optional` and message fields are optionals, `repeated` is an array, `map` a dictionary, a oneof one optional enum.
/// `google.protobuf.Value` is `JSONValue`, and one without a kind is `.null`.
///
/// Decoding follows protobuf: the last occurrence of a plain field wins, a message field that occurs again is merged
/// (in a oneof it replaces what was there, unlike in Google's libraries), the last entry of a map key wins
/// (also of keys that only their bytes tell apart, since to a Swift dictionary they are one). Unknown
/// fields are skipped and are not kept, and so is a known field with another wire type than its own.
///
/// Encoding is deterministic: fields by number, map entries by key (texts by their UTF-8 bytes).
public protocol ProtoMessage: Sendable, Hashable {
    /// The name in the schema, with the package: `aggregator.Task`.
    static var fullName: String { get }

    /// Every field at its default.
    init()

    /// - Throws: ``ProtoError`` if the bytes are no such message, or pass a limit of ``ProtoLimits``.
    init(serialized bytes: Span<UInt8>) throws(ProtoError)

    /// `headroom` zero bytes, for a prefix that the caller fills in, and behind them the message.
    ///
    /// An object or list in a `Value` that is nested deeper than ``ProtoLimits/valueDepth`` becomes null: nobody would
    /// read it back.
    func serialized(headroom: Int) -> [UInt8]
}

extension ProtoMessage {
    public init(serialized bytes: [UInt8]) throws(ProtoError) { try self.init(serialized: bytes.span) }
    public init(serialized bytes: ArraySlice<UInt8>) throws(ProtoError) { try self.init(serialized: bytes.span) }

    /// Throws if decoding these bytes would throw for what they say, without making a value of them: for bytes that
    /// are handed on as they are.
    public static func check(serialized bytes: [UInt8]) throws(ProtoError) {
        if let shape = self as? any MessageShape.Type {
            switch try WireCheck.run(bytes.span, as: shape) {
            case .sound, .cut: return
            case .merge: break  // the walk ended early: no encoder writes such bytes, so decoding them may cost more
            }
        }
        _ = try Self(serialized: bytes)
    }

    /// The message's bytes in an array of exactly their size.
    public func serialized() -> [UInt8] { serialized(headroom: 0) }

    /// A message with some fields set: `Wire.IdReq.with { $0.id = id }`.
    public static func with(_ set: (inout Self) throws -> Void) rethrows -> Self {
        var message = Self()
        try set(&message)
        return message
    }
}
