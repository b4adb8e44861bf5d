import AVSPrimitives

/// Numbers as JavaScript reads and prints them.
enum JavaScriptNumber {
    /// What `String(number)` prints.
    static func text(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
        return JSONValue.text(of: number)
    }

    /// A decimal literal without sign: `12`, `1.5`, `.5`, `5.`, `1e-3`. Nil for anything else.
    ///
    /// The form is checked here because Swift's own parser knows others (`nan`, `0x1p3`).
    static func decimal(_ text: some StringProtocol) -> Double? {
        var rest = Array(text.utf8)[...]
        func take(_ isWanted: (UInt8) -> Bool) -> ArraySlice<UInt8> {
            let taken = rest.prefix(while: isWanted)
            rest = rest.dropFirst(taken.count)
            return taken
        }
        let isDigit: (UInt8) -> Bool = { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let whole = take(isDigit)
        var fraction: ArraySlice<UInt8> = []
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            fraction = take(isDigit)
        }
        guard !whole.isEmpty || !fraction.isEmpty else { return nil }
        // Swift wants digits on both sides of the point.
        var normal = [UInt8(ascii: "0")] + whole + Array(".0".utf8)
        if !fraction.isEmpty { normal = [UInt8(ascii: "0")] + whole + Array(".".utf8) + fraction }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            let isSigned = rest.dropFirst().first.map { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") } ?? false
            let mark = rest.prefix(isSigned ? 2 : 1)
            rest = rest.dropFirst(mark.count)
            let power = take(isDigit)
            guard !power.isEmpty else { return nil }
            normal += mark + power
        }
        return rest.isEmpty ? Double(String(decoding: normal, as: UTF8.self)) : nil
    }

    /// What `Number(text)` answers: NaN for what is no number, 0 for blank text.
    ///
    /// - Source: ECMA-262, *StringToNumber*.
    static func value(of text: String) -> Double {
        var scalars = Array(text.unicodeScalars)[...]
        while let first = scalars.first, ExpressionLexer.isSpace(first) { scalars.removeFirst() }
        while let last = scalars.last, ExpressionLexer.isSpace(last) { scalars.removeLast() }
        guard let first = scalars.first else { return 0 }
        if first == "0", scalars.count > 2, let bits = bits(of: scalars[scalars.startIndex + 1]) {
            return integer(scalars.dropFirst(2), bitsPerDigit: bits) ?? .nan
        }
        var trimmed = String(String.UnicodeScalarView(scalars))
        let isNegative = first == "-"
        if isNegative || first == "+" { trimmed.removeFirst() }
        let magnitude = trimmed.utf8.elementsEqual("Infinity".utf8) ? Double.infinity : decimal(trimmed) ?? .nan
        return isNegative ? -magnitude : magnitude
    }

    /// How many bits a digit has after `0x`, `0o` and `0b`.
    private static func bits(of scalar: Unicode.Scalar) -> Int? {
        switch scalar {
        case "x", "X": 4
        case "o", "O": 3
        case "b", "B": 1
        default: nil
        }
    }

    /// The digits as bits, read again as hexadecimal ones: Swift rounds those as JavaScript does, once and to nearest.
    private static func integer(_ scalars: ArraySlice<Unicode.Scalar>, bitsPerDigit: Int) -> Double? {
        var bits: [UInt8] = []
        for scalar in scalars {
            guard let digit = hexDigit(scalar), digit < 1 << UInt8(bitsPerDigit) else { return nil }
            bits += (0..<bitsPerDigit).reversed().map { (digit >> UInt8($0)) & 1 }
        }
        let padded = [UInt8](repeating: 0, count: (4 - bits.count % 4) % 4) + bits
        let digits = stride(from: 0, to: padded.count, by: 4).map { start in
            String(padded[start..<(start + 4)].reduce(0) { $0 << 1 | $1 }, radix: 16)
        }
        return Double("0x" + digits.joined())
    }

    private static func hexDigit(_ scalar: Unicode.Scalar) -> UInt8? {
        switch scalar {
        case "0"..."9": UInt8(scalar.value - 0x30)
        case "a"..."f": UInt8(scalar.value - 0x61 + 10)
        case "A"..."F": UInt8(scalar.value - 0x41 + 10)
        default: nil
        }
    }
}
