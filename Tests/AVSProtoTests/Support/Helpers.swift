@testable import AVSProto

/// The shape of a message whose type is known at run time only.
func shape(of type: any ProtoMessage.Type) -> any MessageShape.Type {
    guard let shape = type as? any MessageShape.Type else { preconditionFailure("\(type) has no shape") }
    return shape
}

/// Decodes, and tells what failed otherwise.
func problem<M: ProtoMessage>(_ type: M.Type, _ bytes: [UInt8]) -> ProtoError? {
    do throws(ProtoError) {
        _ = try M(serialized: bytes)
        return nil
    } catch {
        return error
    }
}

/// `bytes` as the length-delimited field `number`.
func field(_ number: UInt32, _ bytes: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    WireSplice.append(field: number, bytes, to: &output)
    return output
}

func field(_ number: UInt32, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

func varint(_ number: UInt32, _ value: UInt64) -> [UInt8] {
    var output: [UInt8] = []
    output.appendVarint(UInt64(number) << 3)
    output.appendVarint(value)
    return output
}

/// Lists inside each other, serialized as `google.protobuf.Value`; the innermost is empty. Written without recursion.
func nestedLists(_ depth: Int) -> [UInt8] {
    var bytes = field(6, [])
    for _ in 1..<depth { bytes = field(6, field(1, bytes)) }
    return bytes
}

extension ProtoError {
    var limit: Limit? { if case .overLimit(let limit, _, _) = self { limit } else { nil } }
    var problem: Problem? { if case .malformed(let problem, _, _) = self { problem } else { nil } }
}
