public import AVSProto
public import AVSRPC

/// Protobuf messages on calls.
public struct ProtoCodec<Message: ProtoMessage>: MessageCodec {
    public init() {}

    /// - Throws: INTERNAL with what is wrong and where (MSG-10).
    public func decode(_ bytes: [UInt8]) throws -> Message {
        do {
            return try Message(serialized: bytes)
        } catch {
            throw RPCStatus(.internal, "\(Message.fullName): \(error)")
        }
    }

    public func encode(_ message: Message) -> [UInt8] { message.serialized() }
}

extension ProtoMethod {
    /// The method's path as calls name it.
    public var methodPath: MethodPath { MethodPath(service: service, method: name) }
}

extension RPCMethod {
    /// A unary method of the schema.
    public static func unary<Input, Output>(
        _ method: ProtoMethod<Input, Output>, options: Options = Options(),
        _ handler: @escaping @Sendable (Input, CallContext) async throws -> Output
    ) -> RPCMethod {
        unary(
            method.methodPath, request: ProtoCodec<Input>(), response: ProtoCodec<Output>(), options: options, handler)
    }

    /// A unary method of the schema whose handler answers with the bytes of an `Output`.
    public static func unarySpliced<Input, Output>(
        _ method: ProtoMethod<Input, Output>, options: Options = Options(),
        _ handler: @escaping @Sendable (Input, CallContext) async throws -> [UInt8]
    ) -> RPCMethod {
        unary(method.methodPath, request: ProtoCodec<Input>(), response: .bytes, options: options, handler)
    }

    /// A server-streaming method of the schema.
    public static func serverStreaming<Input, Output>(
        _ method: ProtoMethod<Input, Output>, options: Options = Options(),
        _ handler: @escaping @Sendable (Input, CallContext, ResponseWriter<Output>) async throws -> Void
    ) -> RPCMethod {
        serverStreaming(
            method.methodPath, request: ProtoCodec<Input>(), response: ProtoCodec<Output>(), options: options, handler)
    }
}
