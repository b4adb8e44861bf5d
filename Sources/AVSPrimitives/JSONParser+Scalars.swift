extension JSONParser {
    /// Longer texts of a number are refused (INP-6). No double needs more than 770 digits to be exact.
    private static let numberLengthMaximum = 1024

    mutating func parseNumber() throws(JSONError) -> JSONValue {
        let start = position
        let isNegative = skip(UInt8(ascii: "-"))
        let firstDigit = position
        let wholeDigits = skipDigits()
        guard wholeDigits > 0 else { throw peek == nil ? error(.endsEarly) : error(.malformedNumber, at: start) }
        guard wholeDigits == 1 || bytes[firstDigit] != UInt8(ascii: "0") else {
            throw error(.malformedNumber, at: start)
        }
        let isWhole = try !skipFractionAndExponent(start: start)
        guard position - start <= Self.numberLengthMaximum else { throw error(.numberOutOfRange, at: start) }
        if isWhole, wholeDigits <= 15 {
            // Every whole number of 15 digits is a double.
            let value = bytes[firstDigit..<position].reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
            return .number(isNegative ? -Double(value) : Double(value))
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let value = Double(text), value.isFinite else { throw error(.numberOutOfRange, at: start) }
        if isWhole, integers == .exactText, value.magnitude > 9_007_199_254_740_991 { return .string(text) }
        return .number(value)
    }

    /// Whether there was a fraction or an exponent.
    private mutating func skipFractionAndExponent(start: Int) throws(JSONError) -> Bool {
        var found = false
        if skip(UInt8(ascii: ".")) {
            guard skipDigits() > 0 else { throw peek == nil ? error(.endsEarly) : error(.malformedNumber, at: start) }
            found = true
        }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
            guard skipDigits() > 0 else { throw peek == nil ? error(.endsEarly) : error(.malformedNumber, at: start) }
            found = true
        }
        return found
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        return position - start
    }

    /// The cursor is on the opening quote, and ends behind the closing one.
    mutating func parseString() throws(JSONError) -> String {
        position += 1
        let start = position
        skipPlainCharacters()
        if peek == UInt8(ascii: "\"") {
            let text = try text(of: bytes[start..<position], at: start)
            position += 1
            return text
        }
        return try parseStringWithEscapes(from: start)
    }

    private mutating func parseStringWithEscapes(from start: Int) throws(JSONError) -> String {
        var unescaped = Array(bytes[start..<position])
        while let byte = peek, byte != UInt8(ascii: "\"") {
            guard byte == UInt8(ascii: "\\") else { throw error(.malformedString) }  // a control character
            let escape = position
            position += 1
            unescaped.append(contentsOf: try parseEscape(at: escape).utf8)
            let plain = position
            skipPlainCharacters()
            unescaped.append(contentsOf: bytes[plain..<position])
        }
        guard peek != nil else { throw error(.endsEarly) }
        position += 1
        return try text(of: unescaped[...], at: start)
    }

    private mutating func skipPlainCharacters() {
        while let byte = peek, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { position += 1 }
    }

    private func text(of utf8: ArraySlice<UInt8>, at start: Int) throws(JSONError) -> String {
        guard let text = String(validating: utf8, as: UTF8.self) else { throw error(.invalidUTF8, at: start) }
        return text
    }

    /// The scalar of an escape; the cursor is behind the backslash, which stands at `start`.
    private mutating func parseEscape(at start: Int) throws(JSONError) -> Unicode.Scalar {
        guard let letter = peek else { throw error(.endsEarly) }
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try parseUnicodeEscape(at: start)
        default: throw error(.malformedString, at: start)
        }
    }

    private mutating func parseUnicodeEscape(at start: Int) throws(JSONError) -> Unicode.Scalar {
        let first = try parseFourDigits(at: start)
        if let scalar = Unicode.Scalar(first) { return scalar }
        // The first of a pair: the second must follow at once. A lone half has no UTF-8.
        guard first < 0xdc00, peek == UInt8(ascii: "\\") else {
            throw peek == nil ? error(.endsEarly) : error(.malformedString, at: start)
        }
        position += 1
        guard skip(UInt8(ascii: "u")) else {
            throw peek == nil ? error(.endsEarly) : error(.malformedString, at: start)
        }
        let second = try parseFourDigits(at: start)
        guard (0xdc00...0xdfff).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xd800) << 10 + UInt32(second) - 0xdc00)
        else { throw error(.malformedString, at: start) }
        return scalar
    }

    private mutating func parseFourDigits(at start: Int) throws(JSONError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = peek else { throw error(.endsEarly) }
            guard let digit = Hex.digit(byte) else { throw error(.malformedString, at: start) }
            value = value << 4 | UInt16(digit)
            position += 1
        }
        return value
    }
}
