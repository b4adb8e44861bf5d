/// Turns messages into bytes and back. The transport knows no protobuf; whoever offers a method brings its codecs.
public protocol MessageCodec<Message>: Sendable {
    associatedtype Message: Sendable

    /// - Throws: any error; the call ends INTERNAL unless it is an ``RPCStatus`` (MSG-10).
    func decode(_ bytes: [UInt8]) throws -> Message

    func encode(_ message: Message) throws -> [UInt8]
}

/// Messages as the bytes they are: for answers that are spliced together from stored bytes, and for tests.
public struct BytesCodec: MessageCodec {
    public init() {}
    public func decode(_ bytes: [UInt8]) -> [UInt8] { bytes }
    public func encode(_ message: [UInt8]) -> [UInt8] { message }
}

extension MessageCodec where Self == BytesCodec {
    /// Messages as the bytes they are.
    public static var bytes: BytesCodec { BytesCodec() }
}
