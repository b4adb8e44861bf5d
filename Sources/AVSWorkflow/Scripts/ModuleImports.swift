/// `import` declarations of ES modules, read as calls of `require`.
///
///     import d from 'm'               const d = require("m");
///     import * as n from 'm'          const n = require("m");
///     import {a, b as c} from 'm'     const {a, b: c} = require("m");
///     import d, {a} from 'm'          const d = require("m"); const {a} = require("m");
///     import {default as d} from 'm'  const d = require("m");
///     import 'm'                      require("m");
///
/// A declaration begins a line or follows a `;` and may reach over several lines; one inside a comment or a string is
/// none. What does not read as one is left, and is then for the engine to refuse.
struct ModuleImports {
    private let text: [Unicode.Scalar]
    private var position = 0

    /// - Returns: The text with its imports as calls, in front of the rest; nil if it has none.
    static func rewrite(_ text: String) -> String? {
        guard text.hasBytes(of: "import") else { return nil }
        var reader = ModuleImports(text: Array(text.unicodeScalars))
        return reader.rewritten()
    }

    private init(text: [Unicode.Scalar]) { self.text = text }

    private mutating func rewritten() -> String? {
        var calls = ""
        var rest = String.UnicodeScalarView()
        var beginsStatement = true
        while position < text.count {
            let start = position
            if beginsStatement, let call = declaration() {
                calls += call + " "
                continue
            }
            position = start
            if skipComment() {
                rest.append(contentsOf: text[start..<position])
                continue
            }
            let scalar = text[start]
            skipQuoted()
            rest.append(contentsOf: text[start..<position])
            if scalar == "\n" || scalar == ";" {
                beginsStatement = true
            } else if !ExpressionLexer.isSpace(scalar) {
                beginsStatement = false
            }
        }
        return calls.isEmpty ? nil : calls + String(rest)
    }

    // MARK: What declarations do not stand in

    /// A comment that begins here; the line break behind one of a line is not part of it.
    private mutating func skipComment() -> Bool {
        guard current == "/", position + 1 < text.count else { return false }
        switch text[position + 1] {
        case "/":
            while let scalar = current, scalar != "\n" { position += 1 }
            return true
        case "*":
            position += 2
            while position < text.count, !text[position...].starts(with: "*/".unicodeScalars) { position += 1 }
            position = min(position + 2, text.count)
            return true
        default: return false
        }
    }

    /// One scalar, or a whole string if one begins here: those in single and double quotes end with their line.
    private mutating func skipQuoted() {
        let quote = text[position]
        position += 1
        guard quote == "'" || quote == "\"" || quote == "`" else { return }
        while let scalar = current {
            if scalar == "\n", quote != "`" { return }
            position = min(position + (scalar == "\\" ? 2 : 1), text.count)
            if scalar == quote { return }
        }
    }

    // MARK: One declaration

    /// Reads one from the current position; nil, with the position anywhere, if there is none.
    private mutating func declaration() -> String? {
        guard take(word: "import") else { return nil }
        skipBlanks()
        if let module = string() {
            finish()
            return "require(\(module));"
        }
        guard let bindings = bindings(), take(word: "from") else { return nil }
        skipBlanks()
        guard let module = string() else { return nil }
        finish()
        return bindings.map { "const \($0) = require(\(module));" }.joined(separator: " ")
    }

    /// What stands left of `=` in the calls.

    private mutating func bindings() -> [String]? {
        var found: [String] = []
        if let name = name() {
            found.append(name)
            skipBlanks()
            guard take(",") else { return found }
            skipBlanks()
        }
        if take("*") {
            skipBlanks()
            guard take(word: "as") else { return nil }
            skipBlanks()
            guard let name = name() else { return nil }
            found.append(name)
        } else {
            guard take("{"), let bindings = namedBindings() else { return nil }
            // A module of ours is its own default.
            found += bindings.filter { $0.imported == "default" }.map(\.local)
            let names = bindings.filter { $0.imported != "default" }
            if !names.isEmpty || bindings.isEmpty {
                let members = names.map { $0.imported == $0.local ? $0.local : "\($0.imported): \($0.local)" }
                found.append("{\(members.joined(separator: ", "))}")
            }
        }
        skipBlanks()
        return found
    }

    /// `a, b as c }`.
    private mutating func namedBindings() -> [(imported: String, local: String)]? {
        var found: [(imported: String, local: String)] = []
        while true {
            skipBlanks()
            if take("}") { return found }
            guard let imported = name() else { return nil }
            skipBlanks()
            if take(word: "as") {
                skipBlanks()
                guard let local = name() else { return nil }
                found.append((imported, local))
                skipBlanks()
            } else {
                found.append((imported, imported))
            }
            if take("}") { return found }
            guard take(",") else { return nil }
        }
    }

    // MARK: Tokens

    private var current: Unicode.Scalar? { position < text.count ? text[position] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard current == scalar else { return false }
        position += 1
        return true
    }

    private mutating func take(word: String) -> Bool {
        let start = position
        if name() == word { return true }
        position = start
        return false
    }

    private mutating func name() -> String? {
        guard let first = current, ExpressionLexer.startsName(first) else { return nil }
        var name = String.UnicodeScalarView()
        while let scalar = current, ExpressionLexer.continuesName(scalar) {
            name.append(scalar)
            position += 1
        }
        return String(name)
    }

    /// A string literal without escapes, as JavaScript source again.
    private mutating func string() -> String? {
        guard let quote = current, quote == "'" || quote == "\"" else { return nil }
        position += 1
        var value = String.UnicodeScalarView()
        while let scalar = current, scalar != quote {
            guard scalar != "\\", scalar != "\n", scalar != "\"" else { return nil }
            value.append(scalar)
            position += 1
        }
        guard take(quote) else { return nil }
        return "\"\(String(value))\""
    }

    private mutating func skipBlanks() {
        while let scalar = current, ExpressionLexer.isSpace(scalar) { position += 1 }
    }

    /// The `;` that may end a declaration.
    private mutating func finish() {
        while let scalar = current, scalar == " " || scalar == "\t" { position += 1 }
        _ = take(";")
    }
}
