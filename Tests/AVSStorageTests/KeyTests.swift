import AVSStorage
import AVSTesting
import Testing

/// A status letter and an id of fixed length, as in `t:<letter>:<id>`.
private struct SampleKey: StoreKey {
    enum Letter: String, KeyPart {
        static let keyPartLength: Int? = 1
        case active = "a"
        case completed = "c"
    }

    typealias Value = String
    static let table = Table(prefix: "t:")
    var letter: Letter
    var number: UInt64
    var name: KeyName
    var index: KeyIndex

    init(_ letter: Letter, _ number: UInt64, _ name: KeyName, _ index: KeyIndex) {
        self.letter = letter
        self.number = number
        self.name = name
        self.index = index
    }

    func encode(into key: inout KeyEncoder) {
        key.append(letter)
        key.append(number)
        key.append(name)
        key.append(literal: "x")
        key.append(index)
    }

    init(decoding key: inout KeyDecoder) throws(StorageError) {
        letter = try key.read()
        number = try key.read()
        name = try key.read()
        try key.read(literal: "x")
        index = try key.read()
    }
}

/// A part whose type forgot to validate.
private struct CarelessPart: KeyPart {
    static let keyPartLength: Int? = nil
    var keyPart: [UInt8]
    init(_ text: String) { keyPart = Array(text.utf8) }
    init?(keyPart: [UInt8]) { self.keyPart = keyPart }
}

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite("A key") struct KeyTests {
    private func sample(_ number: UInt64 = 7) throws -> SampleKey {
        SampleKey(.active, number, try #require(KeyName("my_name")), try #require(KeyIndex(42)))
    }

    @Test("KEY-5 KEY-6 is the prefix and its parts, numbers with all their digits")
    func layout() throws {
        #expect(try sample().bytes == bytes("t:a:00000000000000000007:my_name:x:000042"))
    }

    @Test("KEY-5 reads back as it was written", arguments: [0, 1, 999, UInt64.max])
    func roundTrip(number: UInt64) throws {
        let key = try sample(number)
        #expect(try SampleKey(bytes: key.bytes) == key)
    }

    @Test("KEY-5 is refused when cut, extended or changed in any byte that has a meaning")
    func damaged() throws {
        let key = try sample().bytes
        for length in 0..<key.count {
            #expect(throws: StorageError.self) { try SampleKey(bytes: Array(key.prefix(length))) }
        }
        #expect(throws: StorageError.self) { try SampleKey(bytes: key + bytes("0")) }
        #expect(throws: StorageError.self) { try SampleKey(bytes: key + bytes(":")) }
        for index in key.indices {
            var changed = key
            changed[index] = 0xff
            #expect(throws: StorageError.self) { try SampleKey(bytes: changed) }
        }
    }

    @Test("says what is wrong with it")
    func explains() throws {
        let error = #expect(throws: StorageError.self) { try SampleKey(bytes: bytes("t:a:0000")) }
        #expect("\(try #require(error))" == "undecodable t:a:0000: key ends early: UInt64 takes 20 bytes, 4 are left")
    }

    @Test("KEY-5 cannot be forged by a part that holds a colon")
    func escapes() {
        var encoder = KeyEncoder(Table(prefix: "secret:"))
        encoder.append(CarelessPart("a:b%\u{e9}\n"))
        #expect(encoder.bytes == bytes("secret:a%3ab%25%c3%a9%0a"))
    }

    @Test("KEY-6 sorts as its number does", arguments: 1...20)
    func sorts(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let numbers = (0..<50).map { _ in
            UInt64.random(in: 0...UInt64.max >> UInt64.random(in: 0..<64, using: &random), using: &random)
        }
        #expect(numbers.sorted().map(\.keyPart) == numbers.map(\.keyPart).sorted { $0.lexicographicallyPrecedes($1) })
    }

    @Test(
        "has names of 1 to 255 letters, digits and underscores",
        arguments: [
            ("", false), ("a", true), ("A_9", true), ("a:b", false), ("é", false), ("a b", false), ("a-b", false),
            (String(repeating: "x", count: 255), true), (String(repeating: "x", count: 256), false),
        ])
    func names(text: String, isValid: Bool) {
        #expect((KeyName(text) != nil) == isValid)
    }

    @Test("has indexes of six digits", arguments: [(-1, false), (0, true), (999_999, true), (1_000_000, false)])
    func indexes(value: Int, isValid: Bool) {
        #expect((KeyIndex(value) != nil) == isValid)
    }
}

@Suite("A range of keys") struct KeyRangeTests {
    @Test(
        "ends behind the last key with its prefix",
        arguments: [
            ([0x61, 0x3a], [0x61, 0x3b]), ([0x61, 0xff], [0x62]), ([0xff, 0xff], KeyRange.end), ([], KeyRange.end),
        ] as [([UInt8], [UInt8])])
    func prefixes(prefix: [UInt8], upper: [UInt8]) {
        #expect(KeyRange(prefix: prefix) == KeyRange(from: prefix, upTo: upper))
    }

    @Test("covers every key there can be")
    func everything() {
        #expect(KeyRange.all.contains([0]))
        #expect(KeyRange.all.contains([UInt8](repeating: 0xff, count: StorageLimits.keyBytesMax)))
    }

    @Test("goes on behind or ahead of a cursor, which need not be a key")
    func cursors() {
        let range = KeyRange(prefix: bytes("u:"))
        #expect(range.after(bytes("u:5")) == KeyRange(from: bytes("u:5\0"), upTo: bytes("u;")))
        #expect(range.before(bytes("u:5")) == KeyRange(from: bytes("u:"), upTo: bytes("u:5")))
        #expect(range.after(bytes("a")) == range)
        #expect(range.before(bytes("z")) == range)
        #expect(range.after(bytes("z")).isEmpty)
        #expect(range.before(bytes("a")).isEmpty)
    }
}

@Suite("A stored value") struct StoreValueTests {
    @Test(
        "is decimal text in one form only", arguments: ["", "+1", "-0", "01", " 1", "1.0", "18446744073709551616", "٣"])
    func refusesNumbers(text: String) {
        #expect(throws: MalformedValue.self) { try DecimalText(stored: bytes(text)) }
    }

    @Test("is decimal text of any number", arguments: [0, 9, 10, UInt64.max])
    func numbers(value: UInt64) throws {
        #expect(try DecimalText(stored: DecimalText(value).stored).value == value)
    }

    @Test("is text only if it is UTF-8")
    func text() throws {
        #expect(try String(stored: bytes("é")) == "é")
        #expect(throws: MalformedValue.self) { try String(stored: [0xc3]) }
    }
}

@Suite("A storage error") struct StorageErrorTests {
    @Test(
        "has the exit code of its kind, the same in every program",
        arguments: [
            (.corrupt("x"), 65), (.rolledBack("x"), 65), (.undecodable(key: [1], reason: "x"), 65), (.misuse("x"), 70),
            (.tooLarge(bytes: 2, limit: 1), 70), (.closed, 70), (.readOnly("x"), 75), (.overloaded("x"), 75),
            (.outcomeUnknown("x"), 74),
            (.io(call: "x", text: "x"), 74), (.locked(by: "x"), 75), (.noSpace("x"), 75), (.notFound(path: "x"), 78),
            (.unusable("x"), 78),
        ] as [(StorageError, Int32)])
    func exitCodes(error: StorageError, code: Int32) {
        #expect(error.exitCode == code)
    }

    @Test("shows keys so that a person can read them and a terminal is not harmed")
    func keys() {
        #expect(StorageError.printable(bytes("t:a:\u{1b}\\é")) == #"t:a:\x1b\x5c\xc3\xa9"#)
        #expect(StorageError.printable([UInt8](repeating: 0x61, count: 200)).hasSuffix("a… (200 bytes)"))
    }
}
