extension JSONValue {
    /// What to do with a key that an object has twice (INP-4).
    public enum DuplicateKeys: Sendable {
        /// The document is an error: for whatever is signed, stored or decides about rights.
        case refuse
        /// The last one counts, as in ECMAScript: for answers of foreign services. Keys that only their bytes tell
        /// apart are two members there and cannot be two here, so such a document is an error all the same (INP-1).
        case last
    }

    /// What becomes of whole numbers.
    public enum Integers: Sendable {
        /// The nearest double.
        case double
        /// A string of its digits where a double would lose some (beyond ±2⁵³), so that token amounts stay exact.
        case exactText
    }

    /// Parses one JSON document of RFC 8259 in UTF-8, strictly (INP-3 to INP-6): no byte-order mark, no comments, no
    /// trailing comma, nothing but white space around the value. Takes time and memory in proportion to the bytes.
    ///
    /// - Parameters:
    ///   - maximumDepth: arrays and objects inside each other; values above 512 count as 512, which any stack holds.
    ///   - integers: whether large whole numbers keep their digits.
    public init(
        parsing bytes: some Collection<UInt8>, maximumDepth: Int = 64, duplicateKeys: DuplicateKeys = .refuse,
        integers: Integers = .double
    ) throws(JSONError) {
        var parser = JSONParser(
            bytes: Array(bytes), maximumDepth: min(maximumDepth, 512), duplicateKeys: duplicateKeys, integers: integers)
        self = try parser.parseDocument()
    }

    /// As ``init(parsing:maximumDepth:duplicateKeys:integers:)`` for text.
    public init(
        parsing text: String, maximumDepth: Int = 64, duplicateKeys: DuplicateKeys = .refuse,
        integers: Integers = .double
    ) throws(JSONError) {
        try self.init(
            parsing: Array(text.utf8), maximumDepth: maximumDepth, duplicateKeys: duplicateKeys, integers: integers)
    }
}

/// The one JSON parser of this code base. A cursor over bytes; every read checks the end.
struct JSONParser {
    let bytes: [UInt8]
    let maximumDepth: Int
    let duplicateKeys: JSONValue.DuplicateKeys
    let integers: JSONValue.Integers
    var position = 0
    private var depth = 0

    init(
        bytes: [UInt8], maximumDepth: Int, duplicateKeys: JSONValue.DuplicateKeys, integers: JSONValue.Integers
    ) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
        self.duplicateKeys = duplicateKeys
        self.integers = integers
    }

    mutating func parseDocument() throws(JSONError) -> JSONValue {
        let value = try parseValue()
        skipWhiteSpace()
        if let byte = peek { throw error(.unexpectedByte(byte)) }
        return value
    }

    var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    func error(_ reason: JSONError.Reason, at offset: Int? = nil) -> JSONError {
        JSONError(reason: reason, offset: offset ?? position)
    }

    /// The error for a byte, or for the end, that cannot stand here.
    func unexpected() -> JSONError { error(peek.map { .unexpectedByte($0) } ?? .endsEarly) }

    private mutating func skipWhiteSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private mutating func parseValue() throws(JSONError) -> JSONValue {
        skipWhiteSpace()
        guard let byte = peek else { throw error(.endsEarly) }
        switch byte {
        case UInt8(ascii: "{"): return try parseObject()
        case UInt8(ascii: "["): return try parseArray()
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
        case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
        case UInt8(ascii: "n"): return try parseWord("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
        default: throw unexpected()
        }
    }

    private mutating func parseWord(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for character in word.utf8 {
            guard peek == character else { throw unexpected() }
            position += 1
        }
        return value
    }

    private mutating func descend() throws(JSONError) {
        guard depth < maximumDepth else { throw error(.tooDeep(maximum: maximumDepth)) }
        depth += 1
        position += 1
        skipWhiteSpace()
    }

    private mutating func parseArray() throws(JSONError) -> JSONValue {
        try descend()
        var elements: [JSONValue] = []
        if peek != UInt8(ascii: "]") {
            repeat { elements.append(try parseValue()) } while try continues(until: UInt8(ascii: "]"))
        } else {
            position += 1
        }
        depth -= 1
        return .array(elements)
    }

    private mutating func parseObject() throws(JSONError) -> JSONValue {
        try descend()
        var members: [String: JSONValue] = [:]
        if peek != UInt8(ascii: "}") {
            repeat { try parseMember(into: &members) } while try continues(until: UInt8(ascii: "}"))
        } else {
            position += 1
        }
        depth -= 1
        return .object(members)
    }

    private mutating func parseMember(into members: inout [String: JSONValue]) throws(JSONError) {
        skipWhiteSpace()
        let start = position
        guard peek == UInt8(ascii: "\"") else { throw unexpected() }
        let key = try parseString()
        skipWhiteSpace()
        guard peek == UInt8(ascii: ":") else { throw unexpected() }
        position += 1
        let value = try parseValue()
        if let index = members.index(forKey: key) {
            let isSame = members[index].key.utf8.elementsEqual(key.utf8)
            guard isSame, duplicateKeys == .last else { throw error(.duplicateKey(key), at: start) }
        }
        members[key] = value
    }

    /// After an element: true at a comma, false at `end`, both consumed.
    private mutating func continues(until end: UInt8) throws(JSONError) -> Bool {
        skipWhiteSpace()
        guard let byte = peek, byte == end || byte == UInt8(ascii: ",") else { throw unexpected() }
        position += 1
        return byte != end
    }
}
