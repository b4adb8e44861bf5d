/// What the check of incoming bytes has to know about a message.
protocol MessageShape {
    static var fullName: String { get }

    /// `google.protobuf.Value`, whose nesting has a limit of its own.
    static var isValue: Bool { get }

    static func shape(of field: UInt32) -> FieldShape
}

extension MessageShape {
    static var isValue: Bool { false }
}

/// How a field is written.
enum FieldShape {
    /// The message has no field of this number.
    case unknown
    case varint, fixed32, fixed64
    /// Repeated numbers: one by one or packed.
    case varints, fixed32s, fixed64s
    case text, bytes
    case message(any MessageShape.Type)

    /// Whether a single number of this kind may stand here.
    func accepts(_ kind: WireTag.Kind) -> Bool {
        switch (self, kind) {
        case (.varint, .varint), (.varints, .varint): true
        case (.fixed32, .fixed32), (.fixed32s, .fixed32): true
        case (.fixed64, .fixed64), (.fixed64s, .fixed64): true
        default: false
        }
    }
}
