import AVSPrimitives

/// Recursive descent over the grammar of ``Expression``, at most ``Expression/depthLimit`` deep.
struct ExpressionParser {
    private let tokens: [ExpressionLexer.Token]
    private var index = 0
    private var depth = 0

    init(tokens: [ExpressionLexer.Token]) { self.tokens = tokens }

    private var current: ExpressionLexer.Token { index < tokens.count ? tokens[index] : .end }

    mutating func parseAll() throws(ScriptError) -> Expression {
        let expression = try either()
        guard current == .end else { throw unexpected() }
        return expression
    }

    private func unexpected() -> ScriptError {
        switch current {
        case .end: .thrown("SyntaxError: Unexpected end of input")
        case .number(let number): .needsJavaScript("'\(JavaScriptNumber.text(number))' at this place of an expression")
        case .string: .needsJavaScript("a string at this place of an expression")
        case .name(let text), .punctuator(let text): .needsJavaScript("'\(text)' at this place of an expression")
        }
    }

    private mutating func take(_ text: String) -> Bool {
        guard current == .punctuator(text) else { return false }
        index += 1
        return true
    }

    private mutating func expect(_ text: String) throws(ScriptError) {
        guard take(text) else { throw unexpected() }
    }

    // MARK: Binary operators

    private mutating func either() throws(ScriptError) -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Expression.depthLimit else {
            throw .needsJavaScript("an expression nested deeper than \(Expression.depthLimit) levels")
        }
        var left = try both()
        while take("||") { left = .either(left, try both()) }
        return left
    }

    private mutating func both() throws(ScriptError) -> Expression {
        var left = try equality()
        while take("&&") { left = .both(left, try equality()) }
        return left
    }

    private mutating func equality() throws(ScriptError) -> Expression {
        var left = try order()
        while let comparison = takeComparison([.strictlyEqual, .strictlyUnequal, .equal, .unequal]) {
            left = .comparison(comparison, left, try order())
        }
        return left
    }

    private mutating func order() throws(ScriptError) -> Expression {
        var left = try unary()
        while let comparison = takeComparison([.atMost, .atLeast, .less, .greater]) {
            left = .comparison(comparison, left, try unary())
        }
        return left
    }

    private mutating func takeComparison(_ candidates: [Expression.Comparison]) -> Expression.Comparison? {
        for candidate in candidates where take(candidate.rawValue) { return candidate }
        return nil
    }

    // MARK: Unary operators and access

    private mutating func unary() throws(ScriptError) -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Expression.depthLimit else {
            throw .needsJavaScript("an expression nested deeper than \(Expression.depthLimit) levels")
        }
        if take("!") { return .not(try unary()) }
        if take("-") { return .negative(try unary()) }
        if take("+") { return .number(try unary()) }
        if current == .name("typeof") {
            index += 1
            return .typeOf(try unary())
        }
        return try access()
    }

    private mutating func access() throws(ScriptError) -> Expression {
        let base = try primary()
        var accesses: [Expression.Access] = []
        while true {
            if take("?.") {
                let key: Expression.Access.Key = take("[") ? try computedKey() : .name(try propertyName())
                accesses.append(.init(key: key, isOptional: true))
            } else if take(".") {
                accesses.append(.init(key: .name(try propertyName()), isOptional: false))
            } else if take("[") {
                accesses.append(.init(key: try computedKey(), isOptional: false))
            } else {
                return accesses.isEmpty ? base : .access(base, accesses)
            }
        }
    }

    private mutating func computedKey() throws(ScriptError) -> Expression.Access.Key {
        let key = try either()
        try expect("]")
        return .computed(key)
    }

    private mutating func propertyName() throws(ScriptError) -> String {
        guard case .name(let name) = current else { throw unexpected() }
        index += 1
        return name
    }

    private mutating func primary() throws(ScriptError) -> Expression {
        switch current {
        case .number(let number):
            index += 1
            return .literal(.json(.number(number)))
        case .string(let text):
            index += 1
            return .literal(.json(.string(text)))
        case .name(let name):
            guard let value = Self.named(name) else { throw unexpected() }
            index += 1
            return value
        case .punctuator("("):
            index += 1
            let inner = try either()
            try expect(")")
            // The parentheses end an optional chain: `(a?.b).c` is an access to a value.
            return inner
        case .punctuator, .end:
            throw unexpected()
        }
    }

    private static func named(_ name: String) -> Expression? {
        switch name {
        case "true": .literal(.json(true))
        case "false": .literal(.json(false))
        case "null": .literal(.json(.null))
        case "undefined": .literal(.undefined)
        case "NaN": .literal(.json(.number(.nan)))
        case "Infinity": .literal(.json(.number(.infinity)))
        default: JavaScriptNames.isReserved(name) ? nil : .variable(name)
        }
    }
}
