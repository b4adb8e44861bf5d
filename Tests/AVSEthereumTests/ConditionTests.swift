import AVSPrimitives
import AVSTesting
import BigInt
import Testing

@testable import AVSEthereum

@Suite("A condition on an event's field")
struct ConditionTests {
    static func event(_ type: String, _ value: ABIValue?, topic: Hash32? = nil) throws -> DecodedEvent {
        let field = DecodedEvent.Field(name: "field", type: try ABIType(parsing: type), topic: topic, value: value)
        let own = DecodedEvent.Field(name: "Event", type: .bool, topic: nil, value: .bool(true))
        return DecodedEvent(name: "Event", fields: [field, own])
    }

    static func passes(_ event: DecodedEvent, _ comparison: String, _ value: String, as type: String) -> Bool {
        FieldCondition(fieldName: "Event.field", comparison: comparison, value: value, fieldType: type)
            .evaluate(on: event).passed
    }

    @Test("compares integers of every size exactly, signed and unsigned", arguments: 0..<200 as Range<UInt64>)
    func integers(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let bits = Int.random(in: 1...32, using: &random) * 8
        let isSigned = Bool.random(using: &random)
        func number() -> BigInt {
            let magnitude = BigInt(BigUInt.randomInteger(withMaximumWidth: isSigned ? bits - 1 : bits, using: &random))
            return isSigned && Bool.random(using: &random) ? -magnitude : magnitude
        }
        let actual = number()
        let type = (isSigned ? "int" : "uint") + "\(bits)"
        let word = Hash32(bytes: actual.twosComplement.bigEndian)
        let value: ABIValue = isSigned ? .int(actual) : .uint(UInt256(actual.magnitude) ?? .zero)
        for topic in [nil, word] {
            let event = try Self.event(type, value, topic: topic)
            for expected in [number(), actual, actual - 1, actual + 1] where isSigned || expected >= 0 {
                let text = String(expected)
                for (names, holds) in [
                    (["gt", "greater_than"], actual > expected),
                    (["gte", "greater_than_or_equal"], actual >= expected),
                    (["lt", "less_than"], actual < expected), (["lte", "less_than_or_equal"], actual <= expected),
                    (["eq", "equals"], actual == expected), (["ne", "not_equals"], actual != expected),
                ] {
                    for name in names {
                        #expect(Self.passes(event, name, text, as: type) == holds, "\(actual) \(name) \(text)")
                    }
                    #expect(Self.passes(event, names[0], text, as: "decimal") == holds)
                }
            }
        }
    }

    @Test(
        "reads indexed values near the ends of int256 as two's complement",
        arguments: [
            (-(BigInt(1) << 255), "lt", "0", true), (BigInt(-1), "lt", "0", true), (BigInt(0), "eq", "0", true),
            ((BigInt(1) << 255) - 1, "gt", "0", true), (BigInt(-1), "eq", "-1", true), (BigInt(-1), "gt", "-2", true),
        ])
    func twosComplement(value: BigInt, comparison: String, expected: String, passes: Bool) throws {
        let event = try EventTests.event("Event", [("field", "int256", true)])
        let log = EventLog(address: .zero, topics: [event.topic0, EventTests.topic(value)], data: [])
        #expect(Self.passes(try event.decode(log), comparison, expected, as: "int256") == passes)
    }

    @Test("DEFECT-32: compares small integers, indexed bools, strings and arrays too") func smallTypes() throws {
        #expect(Self.passes(try Self.event("uint8", .uint(UInt256(7))), "eq", "7", as: "uint8"))
        #expect(Self.passes(try Self.event("uint16", .uint(UInt256(7))), "gt", "6", as: "uint16"))
        #expect(Self.passes(try Self.event("int8", .int(-7), topic: EventTests.topic(-7)), "lt", "-6", as: "int8"))
        #expect(Self.passes(try Self.event("bool", .bool(true), topic: EventTests.topic(1)), "eq", "true", as: "bool"))
        #expect(Self.passes(try Self.event("string", .string("é")), "eq", "é", as: "string"))
        #expect(!Self.passes(try Self.event("string", .string("é")), "eq", "e\u{301}", as: "string"))
        let list = try Self.event("uint8[]", .array([.uint(UInt256(1)), .uint(UInt256(2))]))
        #expect(Self.passes(list, "eq", "[1, \"2\"]", as: "uint8[]") && Self.passes(list, "ne", "[1]", as: "uint8[]"))
        let digest = Keccak256.hash("hello".utf8)
        let indexed = try Self.event("string", nil, topic: digest)
        #expect(
            Self.passes(indexed, "eq", "hello", as: "string") && Self.passes(indexed, "eq", digest.hex, as: "string"))
        #expect(Self.passes(indexed, "ne", "world", as: "string") && !Self.passes(indexed, "gt", "hello", as: "string"))
    }

    @Test("compares addresses, bools and bytes for equality only") func equality() throws {
        let text = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
        let address = try Self.event("address", .address(try #require(Address(text))))
        for spelling in [text, text.lowercased(), String(text.dropFirst(2))] {
            #expect(
                Self.passes(address, "eq", spelling, as: "address")
                    && !Self.passes(address, "ne", spelling, as: "address"))
        }
        #expect(!Self.passes(address, "gt", text, as: "address") && !Self.passes(address, "eq", "0x12", as: "address"))
        let flag = try Self.event("bool", .bool(false))
        #expect(Self.passes(flag, "eq", "false", as: "bool") && Self.passes(flag, "ne", "true", as: "bool"))
        #expect(!Self.passes(flag, "eq", "no", as: "bool") && !Self.passes(flag, "lt", "true", as: "bool"))
        let word = try Self.event("bytes4", .bytes([0xab, 0, 1, 2]))
        #expect(Self.passes(word, "eq", "0xAB000102", as: "bytes4") && Self.passes(word, "eq", "ab000102", as: "bytes"))
        #expect(!Self.passes(word, "eq", "0xab0001", as: "bytes4") && Self.passes(word, "ne", "0xab0001", as: "bytes4"))
    }

    @Test(
        "fails for what cannot be compared",
        arguments: [
            ("Event.field", "~", "1", "uint8"), ("Event.field", "eq", "x", "uint8"), ("Event.field", "eq", "", "uint8"),
            ("Event.field", "eq", "0x7", "uint8"), ("Event.field", "eq", "7.0.0", "decimal"),
            ("Event.field", "eq", "7", "float"),
            ("Event.field", "ne", "-8", "uint8"), ("Event.field", "gt", "6.5", "uint8"),
            ("Event.field", "eq", "7", "address"),
            ("Event.a.b", "eq", "7", "uint8"), ("Event.other", "eq", "7", "uint8"), ("Event.", "eq", "7", "uint8"),
        ])
    func failures(field: String, comparison: String, value: String, type: String) throws {
        let condition = FieldCondition(fieldName: field, comparison: comparison, value: value, fieldType: type)
        #expect(!condition.evaluate(on: try Self.event("uint8", .uint(UInt256(7)))).passed)
    }

    @Test("takes the field of the event's own name, and passes for another event") func naming() throws {
        let event = try Self.event("uint8", .uint(UInt256(7)))
        #expect(
            FieldCondition(fieldName: "Event", comparison: "eq", value: "true", fieldType: "bool").evaluate(on: event)
                .passed)
        let other = FieldCondition(fieldName: "Other.field", comparison: "eq", value: "8", fieldType: "uint8")
        let wrong = FieldCondition(fieldName: "Event.field", comparison: "eq", value: "8", fieldType: "uint8")
        #expect(other.evaluate(on: event).passed && [other].hold(on: event) && ![other, wrong].hold(on: event))
        #expect([FieldCondition]().hold(on: event))
    }

    @Test("compares decimals exactly, beyond what a double holds") func decimals() {
        func passes(_ actual: String, _ comparison: String, _ expected: String) -> Bool {
            FieldCondition(fieldName: "x", comparison: comparison, value: expected, fieldType: "decimal").evaluate(
                on: .string(actual)
            ).passed
        }
        #expect(passes("2500.00", "eq", "2500") && passes("0.1", "lt", "0.10000000000000000000001"))
        #expect(passes("-1.5", "lt", "-1.4") && passes("9007199254740993", "gt", "9007199254740992"))
        #expect(
            passes("1.5", "gt", "1") && !passes("1.", "eq", "1") && !passes(".5", "eq", "0.5")
                && !passes("1e3", "eq", "1000"))
    }

    @Test("says what it compared") func reasons() throws {
        let condition = FieldCondition(fieldName: "Event.field", comparison: "gt", value: "5", fieldType: "uint8")
        let outcome = condition.evaluate(on: try Self.event("uint8", .uint(UInt256(7))))
        #expect(outcome == .init(passed: true, actualValue: "7", reason: "7 gt 5 as uint8 holds"))
    }
}
