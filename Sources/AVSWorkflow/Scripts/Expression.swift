import AVSPrimitives

/// The part of JavaScript that is evaluated without a script engine.
///
///     or      = and { "||" and }
///     and     = equal { "&&" equal }
///     equal   = order { ("===" | "!==" | "==" | "!=") order }
///     order   = unary { ("<" | ">" | "<=" | ">=") unary }
///     unary   = ("!" | "typeof" | "-" | "+") unary | access
///     access  = primary { "." name | "?." name | "[" or "]" | "?.[" or "]" }
///     primary = number | string | true | false | null | undefined | NaN | Infinity | name | "(" or ")"
///
/// An expression evaluates to exactly what JavaScript would answer or throw; what it cannot decide exactly, such as a
/// method or the comparison of two objects, is ``ScriptError/needsJavaScript(_:)``. So it stays usable as a short cut
/// when there is an engine.
indirect enum Expression: Hashable, Sendable {
    case literal(ScriptValue)
    case variable(String)
    case access(Expression, [Access])
    case not(Expression)
    case negative(Expression)
    case number(Expression)
    case typeOf(Expression)
    case comparison(Comparison, Expression, Expression)
    case both(Expression, Expression)
    case either(Expression, Expression)

    /// One `.name` or `[key]` behind a value.
    struct Access: Hashable, Sendable {
        enum Key: Hashable, Sendable {
            case name(String)
            case computed(Expression)
        }
        var key: Key
        /// Written with `?.`: a nullish value ends the chain with `undefined` instead of an error.
        var isOptional: Bool
    }

    enum Comparison: String, Hashable, Sendable, CaseIterable {
        case strictlyEqual = "==="
        case strictlyUnequal = "!=="
        case equal = "=="
        case unequal = "!="
        case atMost = "<="
        case atLeast = ">="
        case less = "<"
        case greater = ">"
    }

    /// Nesting of parentheses, brackets and unary operators. Deeper text is left to JavaScript.
    static let depthLimit = 64
    /// Words and signs of one expression. A chain such as `a || b || c …` is as deep as it is long, and depth is stack.
    static let tokenLimit = 1_000

    init(parsing text: String) throws(ScriptError) {
        var parser = ExpressionParser(tokens: try ExpressionLexer.tokens(of: text))
        self = try parser.parseAll()
    }

    /// A variable with names and literal indices behind it: what a template resolves to the live value.
    var isPlainPath: Bool {
        switch self {
        case .variable: true
        case .access(.variable, let accesses):
            accesses.allSatisfy {
                switch $0.key {
                case .name, .computed(.literal): true
                case .computed: false
                }
            }
        default: false
        }
    }
}
