import AVSProto
import AVSRPC

/// Messages of the test service on calls.
struct ProtoCodec<Message: ProtoMessage>: MessageCodec {
    func decode(_ bytes: [UInt8]) throws -> Message { try Message(serialized: bytes) }
    func encode(_ message: Message) -> [UInt8] { message.serialized() }
}

extension ProtoMethod {
    var methodPath: MethodPath { MethodPath(service: service, method: name) }
}

extension GRPCTesting.Payload {
    /// So many zeros.
    init(size: Int) { self = Self.with { $0.body = [UInt8](repeating: 0, count: size) } }
}

extension GRPCTesting.BoolValue {
    init(_ value: Bool) { self = Self.with { $0.value = value } }
}

extension GRPCTesting.EchoStatus {
    init(_ code: RPCCode, _ message: String) {
        self = Self.with {
            $0.code = Int32(code.rawValue)
            $0.message = message
        }
    }
}

extension GRPCTesting.ResponseParameters {
    init(size: Int, intervalMicroseconds: Int = 0, compressed: Bool? = nil) {
        self = Self.with {
            $0.size = Int32(clamping: size)
            $0.intervalUs = Int32(clamping: intervalMicroseconds)
            $0.compressed = compressed.map { GRPCTesting.BoolValue($0) }
        }
    }
}
