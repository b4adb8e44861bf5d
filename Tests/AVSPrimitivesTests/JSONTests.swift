import Foundation
import Testing

@testable import AVSPrimitives

@Suite("The JSON parser")
struct JSONParserTests {
    @Test(
        "reads every kind of value",
        arguments: [
            ("null", .null), (" true\t", .bool(true)), ("\r\nfalse", .bool(false)), ("0", .number(0)),
            ("\"\"", .string("")),
            ("[]", .array([])), ("[ ]", .array([])), ("{}", .object([:])), ("{ }", .object([:])),
            ("[1 , [2],{\"a\" : null}]", [1, [2], ["a": nil]]),
            (#""\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\ude00""#, .string("\"\\/\u{8}\u{c}\n\r\tAé€😀")),
            ("\"é€😀\u{7f}\u{2028}\"", .string("é€😀\u{7f}\u{2028}")), (#""a\u0000b""#, .string("a\u{0}b")),
            (#"{"":{"":1}}"#, ["": ["": 1]]),
        ] as [(String, JSONValue)])
    func values(text: String, value: JSONValue) throws { #expect(try JSONValue(parsing: text) == value) }

    @Test(
        "reads numbers as the nearest double",
        arguments: [
            ("-0", -0.0), ("1", 1), ("-1", -1), ("123456789012345", 123_456_789_012_345), ("0.5", 0.5), ("1E2", 100),
            ("1e+2", 100), ("1e-2", 0.01), ("-1.5e3", -1500), ("9007199254740993", 9_007_199_254_740_992), ("0e0", 0),
            ("1.7976931348623157e308", Double.greatestFiniteMagnitude), ("5e-324", Double.leastNonzeroMagnitude),
            ("1e-400", 0), ("0.1", 0.1), ("2.2250738585072011e-308", Double(bitPattern: 0x000f_ffff_ffff_ffff)),
        ])
    func numbers(text: String, value: Double) throws {
        #expect(try JSONValue(parsing: text).doubleValue?.bitPattern == value.bitPattern)
    }

    @Test(
        "INP-5, INP-6: refuses what is not JSON, and says where",
        arguments: [
            ("", .endsEarly, 0), (" ", .endsEarly, 1), ("nul", .endsEarly, 3), ("nulL", .unexpectedByte(0x4c), 3),
            ("True", .unexpectedByte(0x54), 0), ("NaN", .unexpectedByte(0x4e), 0),
            ("Infinity", .unexpectedByte(0x49), 0),
            ("-", .endsEarly, 1), ("-a", .malformedNumber, 0), ("+1", .unexpectedByte(0x2b), 0),
            ("01", .malformedNumber, 0),
            ("-01", .malformedNumber, 0), ("00", .malformedNumber, 0), ("1.", .endsEarly, 2),
            ("1.e1", .malformedNumber, 0),
            (".5", .unexpectedByte(0x2e), 0), ("1e", .endsEarly, 2), ("1e+", .endsEarly, 3),
            ("[1e]", .malformedNumber, 1),
            ("0x1p3", .unexpectedByte(0x78), 1), ("1e400", .numberOutOfRange, 0), ("-1e400", .numberOutOfRange, 0),
            ("[1,]", .unexpectedByte(0x5d), 3), ("[,1]", .unexpectedByte(0x2c), 1), ("[1 2]", .unexpectedByte(0x32), 3),
            ("[1", .endsEarly, 2), ("[", .endsEarly, 1), ("]", .unexpectedByte(0x5d), 0),
            ("[1}", .unexpectedByte(0x7d), 2),
            ("{\"a\":1,}", .unexpectedByte(0x7d), 7), ("{,}", .unexpectedByte(0x2c), 1),
            ("{\"a\"}", .unexpectedByte(0x7d), 4),
            ("{a:1}", .unexpectedByte(0x61), 1), ("{'a':1}", .unexpectedByte(0x27), 1),
            ("{1:1}", .unexpectedByte(0x31), 1),
            ("{\"a\":}", .unexpectedByte(0x7d), 5), ("{\"a\":1 \"b\":2}", .unexpectedByte(0x22), 7),
            ("1 2", .unexpectedByte(0x32), 2), ("nullx", .unexpectedByte(0x78), 4),
            ("// c\n1", .unexpectedByte(0x2f), 0),
            ("\u{feff}1", .unexpectedByte(0xef), 0), ("\u{a0}1", .unexpectedByte(0xc2), 0),
            ("1\u{0}", .unexpectedByte(0), 1),
            ("\"\n\"", .malformedString, 1), ("\"\t\"", .malformedString, 1), ("\"a\u{0}\"", .malformedString, 2),
            (#""\x""#, .malformedString, 1), (#""\u12G4""#, .malformedString, 1), (#""\ud800""#, .malformedString, 1),
            (#""\udc00""#, .malformedString, 1), (#""\ud800\u0041""#, .malformedString, 1),
            (#""\ud800x""#, .malformedString, 1),
            (#""\U0041""#, .malformedString, 1), ("\"abc", .endsEarly, 4), (#""\"#, .endsEarly, 2),
            (#""\u00"#, .endsEarly, 5),
            (#"{"a":1,"a":2}"#, .duplicateKey("a"), 7), (#"{"a":1,"\u0061":2}"#, .duplicateKey("a"), 7),
        ] as [(String, JSONError.Reason, Int)])
    func refusals(text: String, reason: JSONError.Reason, offset: Int) {
        #expect(throws: JSONError(reason: reason, offset: offset)) { try JSONValue(parsing: text) }
    }

    @Test(
        "refuses strings that are not UTF-8",
        arguments: [
            [0xff], [0x80], [0xc0, 0xaf], [0xc1, 0xbf], [0xe0, 0x80, 0xaf], [0xed, 0xa0, 0x80],
            [0xf4, 0x90, 0x80, 0x80],
            [0xf8, 0x88, 0x80, 0x80, 0x80], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0x5c, 0x6e, 0xff],
        ] as [[UInt8]])
    func invalidUTF8(bytes: [UInt8]) {
        #expect(throws: JSONError(reason: .invalidUTF8, offset: 1)) { try JSONValue(parsing: [0x22] + bytes + [0x22]) }
    }

    @Test("INP-4: can let the last of two keys count") func lastKey() throws {
        #expect(try JSONValue(parsing: #"{"a":1,"b":0,"a":2}"#, duplicateKeys: .last) == ["a": 2, "b": 0])
    }

    @Test("INP-1: loses no member whose key only its bytes tell apart: the text is refused")
    func canonicallyEqualKeys() throws {
        let (composed, decomposed) = ("\u{e9}", "e\u{301}")
        let text = "{\"\(composed)\":1,\"\(decomposed)\":2}"
        for keys in [JSONValue.DuplicateKeys.refuse, .last] {
            let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text, duplicateKeys: keys) }
            #expect(error == JSONError(reason: .duplicateKey(decomposed), offset: 8))
        }
        let same = try JSONValue(parsing: "{\"\(decomposed)\":1,\"\(decomposed)\":2}", duplicateKeys: .last)
        #expect(same == [decomposed: 2])
    }

    @Test("INP-3: stops at the depth it was given, and at 512 in any case", arguments: [1, 2, 63, 64, 512])
    func depth(limit: Int) throws {
        let nested = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(throws: Never.self) { try JSONValue(parsing: nested(limit), maximumDepth: limit) }
        #expect(throws: JSONError(reason: .tooDeep(maximum: limit), offset: limit)) {
            try JSONValue(parsing: nested(limit + 1), maximumDepth: limit)
        }
        let bomb = String(repeating: "{\"a\":[", count: 500_000)
        #expect(throws: JSONError.self) { try JSONValue(parsing: bomb, maximumDepth: .max) }
        #expect(throws: JSONError(reason: .tooDeep(maximum: 0), offset: 0)) {
            try JSONValue(parsing: "[]", maximumDepth: 0)
        }
        #expect(throws: JSONError.self) { try JSONValue(parsing: "[]", maximumDepth: -1) }
    }

    @Test("refuses numbers of unreasonable length") func longNumbers() throws {
        let digits = String(repeating: "1", count: 1025)
        #expect(throws: JSONError(reason: .numberOutOfRange, offset: 1)) { try JSONValue(parsing: "[\(digits)]") }
        #expect(try JSONValue(parsing: "0." + String(repeating: "0", count: 1000) + "1") == 0)
    }

    @Test("keeps the digits of large whole numbers on request") func exactIntegers() throws {
        let text =
            #"[1,9007199254740991,9007199254740992,-115792089237316195423570985008687907853269984665640564039457584007913129639935,1e30]"#
        let value = try JSONValue(parsing: text, integers: .exactText)
        #expect(
            value == [
                1, 9_007_199_254_740_991, "9007199254740992",
                "-115792089237316195423570985008687907853269984665640564039457584007913129639935", 1e30,
            ])
    }

    static let document = #"{"id":"0xab","list":[1,-2.5e3,true,null,{"é":"\ud83d\ude00\n"}],"z":{"y":[]}}"#

    @Test("refuses a document cut at any offset, without trapping") func cuts() {
        let bytes = Array(Self.document.utf8)
        for count in bytes.indices {
            #expect(throws: JSONError.self) { try JSONValue(parsing: bytes.prefix(count)) }
        }
    }

    @Test("has an answer for every byte flipped to every value") func flips() throws {
        let bytes = Array(Self.document.utf8)
        for index in bytes.indices {
            for value in UInt8.min ... .max {
                var changed = bytes
                changed[index] = value
                // Either it is refused, or what it reads is a value that survives its own text.
                if case .success(let parsed) = Result(catching: { try JSONValue(parsing: changed) }) {
                    #expect(try JSONValue(parsing: parsed.serializedBytes) == parsed)
                }
            }
        }
    }

    @Test("never traps on noise, and accepts nothing that Foundation refuses", arguments: 0..<20 as Range<UInt64>)
    func noise(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("{}[]\",:0123456789eE+-.\\u truefalsn\n".utf8)
        for _ in 0..<500 {
            let bytes = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            if case .success = Result(catching: { try JSONValue(parsing: bytes) }) {
                #expect(throws: Never.self, "\(bytes)") {
                    try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
                }
            }
        }
    }
}

@Suite("The JSON serializer")
struct JSONSerializerTests {
    /// Origin: RFC 8785, appendix B, and ECMAScript's examples of `Number.prototype.toString`.
    @Test(
        "prints numbers as ECMAScript does",
        arguments: [
            (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"), (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"), (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"), (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"), (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"), (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"), (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"), (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"), (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"), (0x7ff0_0000_0000_0000, "0"), (0x7ff8_0000_0000_0000, "0"),
        ] as [(UInt64, String)])
    func numbers(bits: UInt64, text: String) { #expect(JSONValue.text(of: Double(bitPattern: bits)) == text) }

    @Test("gives every double a text that reads back as itself", arguments: 0..<50 as Range<UInt64>)
    func numberRoundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            #expect(try JSONValue(parsing: JSONValue.text(of: value)).doubleValue == value)
            let whole = Double(
                Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0..<64, using: &random))
            #expect(try JSONValue(parsing: JSONValue.text(of: whole)).doubleValue == whole)
        }
    }

    @Test("orders keys by bytes and escapes what must be") func text() {
        let value: JSONValue = [
            "b": [1, true, nil], "a": "\"\\/\u{1}\u{8}\t\n\u{c}\r\u{1f}\u{7f}é\u{2028}", "B": [:], "é": 0.5, "😀": [],
        ]
        #expect(
            value.serialized == #"{"B":{},"a":"\"\\/\u0001\b\t\n\f\r\u001f\u007fé"# + "\u{2028}"
                + #"","b":[1,true,null],"é":0.5,"😀":[]}"#)
    }

    @Test("survives the round trip", arguments: 0..<100 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let value = Self.value(depth: 4, using: &random)
        let text = value.serialized
        let back = try JSONValue(parsing: text)
        #expect(back == value && back.serialized == text)
    }

    static func value(depth: Int, using random: inout SeededGenerator) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 4), using: &random) {
        case 0: .null
        case 1: .bool(.random(using: &random))
        case 2: .number(Double(Int64.random(in: -1 << 53...1 << 53, using: &random)) / 1024)
        case 3: .string(string(using: &random))
        case 4, 5:
            .array((0..<Int.random(in: 0...4, using: &random)).map { _ in value(depth: depth - 1, using: &random) })
        default:
            .object(
                Dictionary(
                    (0..<Int.random(in: 0...4, using: &random)).map { _ in
                        (string(using: &random), value(depth: depth - 1, using: &random))
                    }
                ) { first, _ in first })
        }
    }

    static func string(using random: inout SeededGenerator) -> String {
        let scalars = (0..<Int.random(in: 0...10, using: &random)).compactMap { _ in
            Unicode.Scalar(UInt32.random(in: 0...(Bool.random(using: &random) ? 0x7f : 0x10ffff), using: &random))
        }
        return String(String.UnicodeScalarView(scalars))
    }

    @Test("offers its members") func access() {
        let value: JSONValue = ["a": [1, "x", true, 1.5, 9_007_199_254_740_994]]
        #expect(
            value["a"]?[0]?.integerValue == 1 && value["a"]?[1]?.stringValue == "x" && value["a"]?[2]?.boolValue == true
        )
        #expect(value["a"]?[3]?.integerValue == nil && value["a"]?[4]?.integerValue == nil && value["a"]?[5] == nil)
        #expect(value["a"]?[-1] == nil && value["b"] == nil && value["a"]?["x"] == nil && value[0] == nil)
        #expect(
            value.objectValue?.count == 1 && value["a"]?.arrayValue?.count == 5 && value["a"]?[3]?.doubleValue == 1.5)
        #expect(JSONValue.null.isNull && !value.isNull)
    }
}
