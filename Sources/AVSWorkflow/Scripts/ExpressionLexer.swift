import AVSPrimitives

/// Splits an expression into tokens. Works on Unicode scalars, whose categories are JavaScript's rule for names.
struct ExpressionLexer {
    enum Token: Hashable {
        case number(Double)
        case string(String)
        case name(String)
        case punctuator(String)
        case end
    }

    private static let punctuators = [
        "===", "!==", "?.", "==", "!=", "<=", ">=", "&&", "||", "++", "--", "<", ">", "!", "(", ")", "[", "]", ".", "-",
        "+",
    ]

    private let scalars: [Unicode.Scalar]
    private var index = 0

    static func tokens(of text: String) throws(ScriptError) -> [Token] {
        var lexer = ExpressionLexer(scalars: Array(text.unicodeScalars))
        var tokens: [Token] = []
        while let token = try lexer.next() {
            tokens.append(token)
            guard tokens.count <= Expression.tokenLimit else {
                throw .needsJavaScript("an expression of more than \(Expression.tokenLimit) words and signs")
            }
        }
        return tokens
    }

    private init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

    private func scalar(at offset: Int = 0) -> Unicode.Scalar? {
        index + offset < scalars.count ? scalars[index + offset] : nil
    }

    private mutating func next() throws(ScriptError) -> Token? {
        while let space = scalar(), Self.isSpace(space) { index += 1 }
        guard let first = scalar() else { return nil }
        if Self.isDigit(first) || (first == "." && scalar(at: 1).map(Self.isDigit) == true) { return try number() }
        if first == "\"" || first == "'" { return try string(quote: first) }
        if Self.startsName(first) { return .name(name()) }
        for text in Self.punctuators where startsWith(text) {
            // `a?.5:b` is a conditional with the number .5, not a chain.
            if text == "?.", scalar(at: 2).map(Self.isDigit) == true { break }
            index += text.unicodeScalars.count
            return .punctuator(text)
        }
        throw .needsJavaScript("'\(first)' in an expression")
    }

    private func startsWith(_ text: String) -> Bool {
        scalars[index...].starts(with: text.unicodeScalars)
    }

    // MARK: Names

    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        (scalar.properties.isWhitespace && scalar != "\u{85}") || scalar == "\u{FEFF}"
    }

    static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    static func startsName(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "$" || scalar == "_" || scalar.properties.isIDStart
    }

    static func continuesName(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "$" || scalar == "_" || scalar.properties.isIDContinue || scalar == "\u{200C}" || scalar == "\u{200D}"
    }

    private mutating func name() -> String {
        var name = String.UnicodeScalarView()
        while let part = scalar(), Self.continuesName(part) {
            name.append(part)
            index += 1
        }
        return String(name)
    }

    // MARK: Numbers

    /// Decimal numbers. Hexadecimal, octal and BigInt literals and separators are left to JavaScript.
    private mutating func number() throws(ScriptError) -> Token {
        var text = ""
        while let part = scalar() {
            let afterExponent = text.last == "e" || text.last == "E"
            guard Self.continuesName(part) || part == "." || (afterExponent && (part == "+" || part == "-")) else {
                break
            }
            text.unicodeScalars.append(part)
            index += 1
        }
        // `08` and `010` are octal or refused, depending on the mode.
        let second = text.unicodeScalars.dropFirst().first
        let isLegacyOctal = text.hasPrefix("0") && second.map(Self.isDigit) == true
        guard !isLegacyOctal, let value = JavaScriptNumber.decimal(text) else {
            throw .needsJavaScript("the number '\(text)'")
        }
        return .number(value)
    }

    // MARK: Strings

    private mutating func string(quote: Unicode.Scalar) throws(ScriptError) -> Token {
        index += 1
        var value = String.UnicodeScalarView()
        while let part = scalar() {
            index += 1
            switch part {
            case quote: return .string(String(value))
            case "\n", "\r": throw .thrown("SyntaxError: Invalid or unexpected token")
            case "\\": value.append(try escape())
            default: value.append(part)
            }
        }
        throw .thrown("SyntaxError: Invalid or unexpected token")
    }

    private mutating func escape() throws(ScriptError) -> Unicode.Scalar {
        guard let letter = scalar() else { throw .thrown("SyntaxError: Invalid or unexpected token") }
        index += 1
        switch letter {
        case "n": return "\n"
        case "t": return "\t"
        case "r": return "\r"
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "v": return "\u{B}"
        case "\\", "'", "\"", "`", "/": return letter
        default: throw .needsJavaScript("the escape '\\\(letter)' in a string")
        }
    }
}
