/// What the check of incoming bytes has to know about a message.
protocol MessageShape {
    static var fullName: String { get }

    /// An object or list of `google.protobuf`, whose nesting has a limit of its own.
    static var isContainer: Bool { get }

    static func shape(of field: UInt32) -> FieldShape
}

extension MessageShape {
    static var isContainer: Bool { false }
}

/// How a field is written.
enum FieldShape {
    /// The message has no field of this number.
    case unknown
    case varint, fixed32, fixed64
    /// Repeated numbers: one by one or packed.
    case varints, fixed32s, fixed64s
    case text, bytes
    /// A message outside a oneof: protobuf merges what comes twice. Its number is below 128.
    case message(any MessageShape.Type)
    /// A repeated message or the entries of a map.
    case messages(any MessageShape.Type)
    /// A message in a oneof: the last one replaces those before it.
    case alternative(any MessageShape.Type)

    /// The shape of the message that stands here.
    var inner: (any MessageShape.Type)? {
        switch self {
        case .message(let shape), .messages(let shape), .alternative(let shape): shape
        default: nil
        }
    }

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
