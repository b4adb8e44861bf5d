/// Custom code in the form in which it is run (execution-engine.md 5.6.1).
public struct ScriptProgram: Hashable, Sendable {
    public enum Form: String, Hashable, Sendable {
        /// A script: the value of its last statement is the result.
        case script
        /// The body of a function: only `return` yields a value.
        case body
    }

    public var form: Form
    /// JavaScript without `import` declarations: those have become calls of `require`.
    public var source: String

    /// - Parameter text: as its author wrote it, templates resolved.
    public init(_ text: String) {
        if let rewritten = ModuleImports.rewrite(text) {
            form = .body
            source = rewritten
        } else {
            form = Self.looksLikeBody(text) ? .body : .script
            source = text
        }
    }

    /// Some line that is no comment has the word `return`, or asks for a module. A word inside a string counts too;
    /// authors know it so.
    private static func looksLikeBody(_ text: String) -> Bool {
        text.split(whereSeparator: \.isNewline).contains { line in
            let line = String(line).trimmingBlanks()
            if line.hasPrefix("//") || line.hasPrefix("/*") { return false }
            if ["require(", "import(", "import ", "export "].contains(where: line.hasBytes) { return true }
            return line.unicodeScalars.split { !ExpressionLexer.continuesName($0) }.contains { String($0) == "return" }
        }
    }
}
