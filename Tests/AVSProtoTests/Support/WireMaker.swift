import AVSPrimitives

@testable import AVSProto

/// Makes random, valid bytes of any message from its shape.
///
/// Fields come in any number, packed or not, oneofs several times: what a peer may send, not what an encoder would.
struct WireMaker<Random: RandomNumberGenerator> {
    var random: Random
    /// At most this many messages inside each other.
    var depth = 6
    /// Whether to leave out what Google's tool does otherwise than we: a message in a oneof that occurs twice (through
    /// a merge, perhaps), a map with two entries of one key, and a `Value` without a kind, which is null here and stays
    /// without a kind there.
    var isPlain = false

    mutating func message(_ shape: any MessageShape.Type, depth: Int = 0) -> [UInt8] {
        var bytes: [UInt8] = []
        for number in 1...UInt32(120) where Bool.random(using: &random) || isNeeded(number, shape) {
            let kind = shape.shape(of: number)
            field(number, kind, depth, &bytes)
            if isPlain, isUnique(kind) { continue }
            if Bool.random(using: &random) { field(number, kind, depth, &bytes) }
        }
        return bytes
    }

    private func isUnique(_ kind: FieldShape) -> Bool {
        guard let inner = kind.inner else { return false }
        if case .messages = kind { return inner.fullName.hasSuffix("Entry") }
        return true
    }

    /// A `Value` has a bool at least, an entry has its key and its value.
    private func isNeeded(_ number: UInt32, _ shape: any MessageShape.Type) -> Bool {
        isPlain && (shape == JSONValue.self ? number == 4 : shape.fullName.hasSuffix("Entry"))
    }

    private mutating func field(_ number: UInt32, _ shape: FieldShape, _ depth: Int, _ bytes: inout [UInt8]) {
        switch shape {
        case .unknown: break
        case .varint:
            tag(number, .varint, &bytes)
            bytes.appendVarint(varint())
        case .fixed32:
            tag(number, .fixed32, &bytes)
            bytes += fixed(4)
        case .fixed64:
            tag(number, .fixed64, &bytes)
            bytes += fixed(8)
        case .varints:
            list(number, .varint, &bytes) { maker in
                var one: [UInt8] = []
                one.appendVarint(maker.flag())
                return one
            }
        case .fixed32s: list(number, .fixed32, &bytes) { $0.fixed(4) }
        case .fixed64s: list(number, .fixed64, &bytes) { $0.fixed(8) }
        case .text: WireSplice.append(field: number, Array(text().utf8), to: &bytes)
        case .bytes:
            WireSplice.append(field: number, (0..<9).map { _ in .random(in: 0...255, using: &random) }, to: &bytes)
        case .message(let inner), .messages(let inner), .alternative(let inner):
            guard depth < self.depth else {
                if isPlain, inner == JSONValue.self { bytes += AVSProtoTests.field(number, AVSProtoTests.varint(4, 1)) }
                return
            }
            WireSplice.append(field: number, message(inner, depth: depth + 1), to: &bytes)
        }
    }

    private mutating func list(
        _ number: UInt32, _ kind: WireTag.Kind, _ bytes: inout [UInt8], _ element: (inout Self) -> [UInt8]
    ) {
        let elements = (0..<Int.random(in: 0...4, using: &random)).map { _ in element(&self) }
        if Bool.random(using: &random) {
            return WireSplice.append(field: number, Array(elements.joined()), to: &bytes)
        }
        for one in elements {
            tag(number, kind, &bytes)
            bytes += one
        }
    }

    private func tag(_ number: UInt32, _ kind: WireTag.Kind, _ bytes: inout [UInt8]) {
        bytes.appendVarint(UInt64(number) << 3 | UInt64(kind.rawValue))
    }

    /// Zero or one: protobuf-c takes nothing else for a packed bool.
    private mutating func flag() -> UInt64 { .random(in: 0...1, using: &random) }

    private mutating func varint() -> UInt64 {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: .random(in: 0...5, using: &random)
        case 1: .random(in: 0...0xFFFF, using: &random)
        case 2: UInt64(bitPattern: Int64(Int32.random(in: .min...(-1), using: &random)))
        default: .random(in: .min ... .max, using: &random)
        }
    }

    /// Bits of a number that is not infinite or not a number, whatever it is read as: then equal bytes are equal
    /// values.
    private mutating func fixed(_ count: Int) -> [UInt8] {
        (0..<count - 1).map { _ in .random(in: 0...255, using: &random) } + [.random(in: 1...0x3E, using: &random)]
    }

    private mutating func text() -> String {
        let pieces = ["", "a", "0x52", "\u{0}", "é", "漢字", "🦊", "NODE_TYPE_FILTER", "{{ trigger.data }}"]
        return (0..<3).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
    }
}
