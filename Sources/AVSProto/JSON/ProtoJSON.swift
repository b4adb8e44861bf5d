public import AVSPrimitives

/// Messages as JSON, for people and command lines.
///
/// Follows protobuf's JSON mapping: names in lower camel case (the schema's own are read too), 64-bit numbers as
/// decimal texts (numbers are read too), enums by name, bytes in base64, `google.protobuf.Value` as the JSON it is. Two
/// differences: plain fields are written even at their default, and `Timestamp` and the wrappers are messages like any
/// other. Any message of ``FileDescriptors`` can be read and written.
public enum ProtoJSON {
    /// The message as an object.
    public static func json(_ message: some ProtoMessage) -> JSONValue {
        do {
            return try MessageReader(schema: .shared).read(message.serialized(), type(of: message).fullName)
        } catch {
            assertionFailure("\(error)")  // we made the bytes
            return .null
        }
    }

    /// The message that an object describes.
    ///
    /// - Throws: ``ProtoJSONError`` with the path of what is wrong; ``ProtoError`` for what passes ``ProtoLimits``.
    public static func message<Message: ProtoMessage>(_ type: Message.Type, from json: JSONValue) throws -> Message {
        var bytes: [UInt8] = []
        try MessageWriter(schema: .shared).write(json, Message.fullName, at: "", to: &bytes)
        return try Message(serialized: bytes)
    }
}

/// Why an object does not describe a message.
public struct ProtoJSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `nodes[1].restApi.config.url`; empty at the top.
    public var path: String
    /// What is there, and what is allowed.
    public var problem: String

    public init(path: String, problem: String) {
        self.path = path
        self.problem = problem
    }

    public var description: String { path.isEmpty ? problem : "\(path): \(problem)" }
}
