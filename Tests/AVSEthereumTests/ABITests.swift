import AVSPrimitives
import AVSTesting
import BigInt
import Testing

@testable import AVSEthereum

@Suite("The ABI")
struct ABITests {
    struct Vector: CustomTestStringConvertible {
        var function: ABIFunction
        var json: JSONValue
        var data: [UInt8]
        var testDescription: String { function.signature }

        static let all: [Vector] = ABIVectors.lines.split(separator: "\n").compactMap { line in
            do {
                let json = try JSONValue(parsing: String(line), integers: .exactText)
                let entry = JSONValue.object([
                    "name": "f", "inputs": json["inputs"] ?? nil, "outputs": json["inputs"] ?? nil,
                ])
                let data = Hex.decode(json["data"]?.stringValue ?? "") ?? []
                return Vector(function: try ABIFunction(entry), json: json, data: data)
            } catch {
                Issue.record("\(error)")
                return nil
            }
        }
    }

    @Test("encodes and decodes as another implementation does", arguments: Vector.all)
    func vectors(vector: Vector) throws {
        #expect(vector.function.signature == vector.json["signature"]?.stringValue)
        let parameters = try #require(vector.json["parameters"]?.arrayValue)
        #expect(Hex.encode(try vector.function.encodeCall(parameters: parameters)) == Hex.encode(vector.data))
        // The same values as texts, as a task's configuration has them.
        let texts = parameters.map { $0.stringValue ?? $0.serialized }
        let hasLossyNumber = parameters.contains { $0.doubleValue != nil && $0.integerValue == nil }
        if !hasLossyNumber { #expect(try vector.function.encodeCall(parameters: texts) == vector.data) }
        let values = try vector.function.decodeOutputs(Array(vector.data.dropFirst(4)))
        let shown = zip(values, vector.function.outputs).map { $0.outputJSON($1.type) }
        #expect(shown == vector.json["values"]?.arrayValue)
        #expect(try ABI.encode(values, as: vector.function.inputs.map(\.type)) == Array(vector.data.dropFirst(4)))
    }

    @Test("refuses every vector cut inside its last needed word, without trapping", arguments: Vector.all)
    func cuts(vector: Vector) {
        let data = Array(vector.data.dropFirst(4))
        for count in data.indices where count % 7 == 0 || count % 32 == 0 {
            // Padding is not needed, so a cut may still decode; but not to anything else.
            if case .success(let values) = Result(catching: {
                try vector.function.decodeOutputs(Array(data.prefix(count)))
            }) {
                #expect(Result(catching: { try vector.function.decodeOutputs(data) }).isSuccess(values))
            }
        }
        #expect(throws: ABIError.self) { try vector.function.decodeOutputs([]) }
    }

    @Test("has an answer for every byte flipped", arguments: Vector.all)
    func flips(vector: Vector) {
        let data = Array(vector.data.dropFirst(4))
        for index in data.indices {
            for flip in [0x01, 0x80, 0xff] as [UInt8] {
                var changed = data
                changed[index] ^= flip
                _ = Result(catching: { try vector.function.decodeOutputs(changed) })
            }
        }
    }

    @Test("has an answer for random words", arguments: 0..<30 as Range<UInt64>)
    func noise(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let vector = try #require(Vector.all.randomElement(using: &random))
        for _ in 0..<200 {
            let words = (0..<Int.random(in: 0...12, using: &random)).flatMap { _ in
                UInt256(UInt64.random(in: 0...400, using: &random)).bigEndian
            }
            _ = Result(catching: { try vector.function.decodeOutputs(words) })
        }
    }

    @Test("is not drawn into work without end by overlapping offsets") func overlaps() throws {
        // uint8[][][][][][]: at each level 6 offsets that all point at the next level.
        var type = ABIType.uint(bits: 8)
        for _ in 0..<10 { type = .array(type) }
        var data = UInt256(32).bigEndian
        for _ in 0..<9 {
            data += UInt256(6).bigEndian
            for _ in 0..<6 { data += UInt256(6 * 32).bigEndian }
        }
        data += UInt256(6).bigEndian + [UInt8](repeating: 0, count: 6 * 32)
        #expect(throws: ABIError.overlaps) { try ABI.decode(data, as: [type]) }
    }

    @Test(
        "reserves nothing for lengths that the data cannot have",
        arguments: [
            String(repeating: "f", count: 64), "ffffffffffffffff", "7fffffffffffffff", "7fffffffffffffe0", "80000000",
            "0400000000000000", "41",
        ])
    func hostileLengths(hex: String) throws {
        let word = try #require(UInt256(hex: hex)).bigEndian
        for type in [ABIType.bytes, .string, .array(.uint(bits: 8)), .array(.bytes)] {
            #expect(throws: ABIError.self) { try ABI.decode(UInt256(32).bigEndian + word, as: [type]) }
            #expect(throws: ABIError.self) { try ABI.decode(word + UInt256(1).bigEndian, as: [type]) }
        }
    }

    @Test(
        "refuses words that are no value of their type",
        arguments: [
            ("uint8", "0100"), ("int8", "80"), ("bool", "02"),
            ("address", "010000000000000000000000000000000000000000"),
        ])
    func words(type: String, hex: String) throws {
        let word = try #require(UInt256(hex: hex)).bigEndian
        #expect(throws: ABIError.valueOutOfRange(type: type)) { try ABI.decode(word, as: [try ABIType(parsing: type)]) }
    }

    @Test("refuses values that are not of their type") func encodeMismatch() {
        #expect(throws: ABIError.self) { try ABI.encode([.uint(UInt256(256))], as: [.uint(bits: 8)]) }
        #expect(throws: ABIError.self) { try ABI.encode([.int(-129)], as: [.int(bits: 8)]) }
        #expect(throws: ABIError.self) { try ABI.encode([.bool(true)], as: [.address]) }
        #expect(throws: ABIError.self) { try ABI.encode([.array([])], as: [.fixedArray(.bool, count: 1)]) }
        #expect(throws: ABIError.self) { try ABI.encode([], as: [.bool]) }
    }
}

@Suite("An ABI type")
struct ABITypeTests {
    @Test(
        "is read from its text",
        arguments: [
            ("uint", "uint256"), ("int", "int256"), ("uint8", "uint8"), ("int256", "int256"), ("bytes32", "bytes32"),
            ("bytes", "bytes"), ("string[]", "string[]"), ("uint256[3][]", "uint256[3][]"), ("function", "function"),
            ("tuple[2]", "(bool)[2]"), ("tuple", "(bool)"),
        ])
    func texts(text: String, canonical: String) throws {
        let components = [ABIParameter(name: "a", type: .bool)]
        #expect(try ABIType(parsing: text, components: components).canonicalName == canonical)
    }

    @Test(
        "is refused if Solidity has none such, or if it is out of bounds",
        arguments: [
            "", "uint7", "uint0", "uint264", "uint08", "uint 8", "int-8", "bytes0", "bytes33", "bytes01", "fixed128x18",
            "tuple", "mapping(address => bool)", "uint256[", "uint256]", "uint256[]]", "uint256[0]", "uint256[-1]",
            "uint256[01]",
            "uint256[a]", "uint256[3]x", "[]", "uint256[9999999]", "uint256[999999]", "uint8[32768][32768]",
            "uint8" + String(repeating: "[]", count: 17), "uint8" + String(repeating: "[32]", count: 16), "Address",
            "uint２",
        ])
    func refusals(text: String) { #expect(throws: ABIError.unsupportedType(text)) { try ABIType(parsing: text) } }

    @Test("of nested tuples is bounded") func nesting() {
        var entry: JSONValue = ["type": "bool", "name": "x"]
        for _ in 0..<20 { entry = ["type": "tuple", "name": "x", "components": [entry]] }
        #expect(throws: ABIError.self) {
            try ABIContract(entries: [["type": "function", "name": "f", "inputs": [entry]]])
        }
    }
}

extension Result where Success: Equatable {
    fileprivate func isSuccess(_ value: Success) -> Bool { if case .success(value) = self { true } else { false } }
}
