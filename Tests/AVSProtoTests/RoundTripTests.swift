import AVSPrimitives
import AVSTesting
import Testing

@testable import AVSProto

@Suite("Every message")
struct RoundTripTests {
    static let fixture: [any ProtoMessage.Type] = [
        Kinds.Scalars.self, Kinds.Maps.self, Kinds.Documents.self, Kinds.Tree.self, Kinds.Tree.Branch.self,
        Kinds.Empty.self,
    ]
    static let seeds = Array(UInt64(1)...8)

    @Test("comes back from its own bytes as it was", arguments: seeds)
    func roundTrip(seed: UInt64) throws {
        var maker = WireMaker(random: SeededGenerator(seed: seed))
        for type in allMessages + Self.fixture {
            try checkRoundTrip(type, maker.message(shape(of: type)))
        }
    }

    private func checkRoundTrip<M: ProtoMessage>(_ type: M.Type, _ bytes: [UInt8]) throws {
        let message = try M(serialized: bytes)
        let encoded = message.serialized()
        #expect(try M(serialized: encoded) == message, "\(M.fullName)")
        #expect(try M(serialized: encoded).serialized() == encoded, "\(M.fullName)")
    }

    @Test("has no field that gets lost: one field alone keeps its bytes")
    func singleFields() throws {
        for type in allMessages + Self.fixture {
            try checkFields(type)
        }
    }

    private func checkFields<M: ProtoMessage>(_ type: M.Type) throws {
        for number in 1...UInt32(120) {
            guard let bytes = Self.sample(number, shape(of: type).shape(of: number)) else { continue }
            #expect(try M(serialized: bytes).serialized() == bytes, "\(M.fullName) \(number)")
        }
    }

    /// One field as an encoder writes it: not zero, numbers packed, maps with key and value.
    private static func sample(_ number: UInt32, _ shape: FieldShape) -> [UInt8]? {
        switch shape {
        case .unknown: return nil
        case .varint: return varint(number, 1)
        case .fixed32:
            return [UInt8(truncatingIfNeeded: number << 3 | 5 | (number > 15 ? 0x80 : 0))]
                + (number > 15 ? [UInt8(number >> 4)] : []) + [1, 2, 3, 4]
        case .fixed64:
            return [UInt8(truncatingIfNeeded: number << 3 | 1 | (number > 15 ? 0x80 : 0))]
                + (number > 15 ? [UInt8(number >> 4)] : []) + [1, 2, 3, 4, 5, 6, 7, 8]
        case .varints: return field(number, [1, 0, 1])
        case .fixed32s: return field(number, [1, 2, 3, 4])
        case .fixed64s: return field(number, [1, 2, 3, 4, 5, 6, 7, 8])
        case .text, .bytes: return field(number, "text")
        case .message(let inner), .messages(let inner), .alternative(let inner): return field(number, content(inner))
        }
    }

    private static func content(_ shape: any MessageShape.Type) -> [UInt8] {
        if shape == JSONValue.self { return varint(4, 1) }
        guard shape.fullName.hasSuffix("Entry") else { return [] }
        return (sample(1, shape.shape(of: 1)) ?? []) + (sample(2, shape.shape(of: 2)) ?? [])
    }

    @Test("is empty bytes when nothing is set, and nothing is set when there are no bytes")
    func empty() throws {
        for type in allMessages + Self.fixture {
            #expect(type.init().serialized() == [], "\(type.fullName)")
            #expect(try type.init(serialized: []).serialized() == [], "\(type.fullName)")
        }
    }

    @Test("can be cut at every offset and never traps", arguments: seeds.prefix(2))
    func cut(seed: UInt64) throws {
        var maker = WireMaker(random: SeededGenerator(seed: seed), depth: 4)
        for type in allMessages + Self.fixture {
            let bytes = maker.message(shape(of: type)).prefix(2_000)
            for end in bytes.indices { Self.tolerates(type, Array(bytes[..<end])) }
        }
    }

    @Test("can have each byte flipped and never traps", arguments: seeds.prefix(2))
    func flipped(seed: UInt64) throws {
        var maker = WireMaker(random: SeededGenerator(seed: seed), depth: 3)
        for type in allMessages + Self.fixture {
            var bytes = maker.message(shape(of: type))
            for index in bytes.indices.prefix(500) {
                for mask: UInt8 in [0x01, 0x04, 0x80, 0xFF] {
                    bytes[index] ^= mask
                    Self.tolerates(type, bytes)
                    bytes[index] ^= mask
                }
            }
        }
    }

    /// Bytes that decode give a message that decodes again from its own bytes.
    private static func tolerates<M: ProtoMessage>(_ type: M.Type, _ bytes: [UInt8]) {
        do throws(ProtoError) {
            let encoded = try M(serialized: bytes).serialized()
            #expect(try M(serialized: encoded).serialized() == encoded, "\(M.fullName) from \(Hex.encode(bytes))")
        } catch {
            #expect(error.problem != nil || error.limit != nil)
        }
    }

    @Test("survives random bytes", arguments: seeds)
    func noise(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for type in allMessages + Self.fixture {
            for length in 0..<40 {
                Self.tolerates(type, (0..<length).map { _ in .random(in: 0...255, using: &random) })
            }
        }
    }

    @Test("leaves room for a prefix")
    func headroom() {
        let message = Wire.IdReq.with { $0.id = "a" }
        #expect(message.serialized(headroom: 5) == [0, 0, 0, 0, 0, 10, 1, 97])
        #expect(Wire.IdReq().serialized(headroom: 5) == [0, 0, 0, 0, 0])
        #expect(Wire.IdReq().serialized(headroom: 0) == [])
    }

    @Test("decodes from a part of an array as well")
    func slices() throws {
        let bytes: [UInt8] = [9, 9, 10, 1, 97, 9]
        #expect(try Wire.IdReq(serialized: bytes[2..<5]).id == "a")
    }
}
