/// Why bytes did not become a message.
public enum ProtoError: Error, Hashable, Sendable {
    /// The bytes are not what protobuf writes, or a text is not UTF-8. `message` is the innermost message in which that
    /// showed, `offset` counts from the start of the outermost.
    case malformed(Problem, message: String, offset: Int)

    /// The message may be sound, but it is more than we take.
    case overLimit(Limit, message: String, offset: Int)

    public enum Problem: Hashable, Sendable {
        /// A field goes on behind the end of its message.
        case truncated
        /// A number of more than ten bytes, or a tag or length of more than five.
        case numberTooLong
        /// A field number outside 1 … 536,870,911.
        case fieldNumber
        /// A wire type that proto3 does not use.
        case wireType(UInt8)
        /// A packed field whose length is no multiple of its elements' size.
        case packedLength(field: UInt32)
        /// A `string` that is not UTF-8.
        case text(field: UInt32)
        /// protobuf-c refused what our own check let pass.
        case refused
    }

    public enum Limit: Hashable, Sendable {
        case messageDepth
        case valueDepth
        case unknownFields
        case memory
    }
}

extension ProtoError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformed(let problem, let message, let offset): "\(message), byte \(offset): \(problem.description)"
        case .overLimit(let limit, let message, let offset): "\(message), byte \(offset): \(limit.description)"
        }
    }
}

extension ProtoError.Problem: CustomStringConvertible {
    public var description: String {
        switch self {
        case .truncated: "a field ends behind the end of its message"
        case .numberTooLong: "a number has more bytes than its kind allows"
        case .fieldNumber: "a field number is outside 1 to 536870911"
        case .wireType(let type): "wire type \(type) is not used by proto3"
        case .packedLength(let field): "field \(field) is packed, but its length is no multiple of its elements' size"
        case .text(let field): "field \(field) is not UTF-8"
        case .refused: "protobuf-c refused the message"
        }
    }
}

extension ProtoError.Limit: CustomStringConvertible {
    public var description: String {
        switch self {
        case .messageDepth: "more than \(ProtoLimits.messageDepth) messages inside each other"
        case .valueDepth: "more than \(ProtoLimits.valueDepth) objects and lists inside each other"
        case .unknownFields: "more than \(ProtoLimits.unknownFields) unknown fields"
        case .memory: "takes more than \(ProtoLimits.memoryBytes) bytes in memory"
        }
    }
}
