/// The rule for names of nodes and triggers: each becomes a variable of the run's scripts.
///
/// - Source: aggregator-api.md 2.8, *Identifier rule*; execution-engine.md 1.3.
public enum Identifier {
    /// Why `name` cannot be used; nil if it can.
    public static func refusal(of name: String) -> String? {
        if name.isEmpty { return "node name cannot be empty" }
        guard name.utf8.first.map(isStart) == true, name.utf8.dropFirst().allSatisfy({ isStart($0) || isDigit($0) })
        else {
            return
                "node name '\(name.excerpt())' is not a valid JavaScript identifier -"
                + " it must begin with an ASCII letter, '_' or '$' and contain only those and digits"
        }
        guard !isReserved(name) else {
            return "node name '\(name.excerpt())' is a JavaScript reserved word and cannot be used"
        }
        return nil
    }

    private static func isStart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: "$"):
            true
        default: false
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// Each word is refused in three spellings: `class`, `Class` and `CLASS`, but not `cLass`.
    private static func isReserved(_ name: String) -> Bool {
        let lowercased = name.lowercased()
        guard reservedWords.contains(lowercased) else { return false }
        let capitalised = lowercased.prefix(1).uppercased() + lowercased.dropFirst()
        return [lowercased, capitalised, lowercased.uppercased()].contains(name)
    }

    private static let reservedWords: Set<String> = [
        "break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete", "do", "else", "enum",
        "export", "extends", "false", "finally", "for", "function", "if", "import", "in", "instanceof", "let", "new",
        "null", "return", "super", "switch", "this", "throw", "true", "try", "typeof", "var", "void", "while", "with",
        "yield",
    ]

    /// The variable under which the output of a node or trigger is found.
    ///
    /// A legal name stays as it is but for `$`. The other steps are for tasks of older services: runs of other signs
    /// become one `_`, none at the ends; a digit in front gets `trigger_` before it; nothing becomes `unnamed_trigger`.
    ///
    /// - Parameter fallback: used when the name is empty: a node's id.
    public static func variable(for name: String, orElse fallback: String = "") -> String {
        var variable: [UInt8] = []
        var isAfterOther = false
        for byte in (name.isEmpty ? fallback : name).utf8 {
            let isPart = isDigit(byte) || (isStart(byte) && byte != UInt8(ascii: "$"))
            if isPart { variable.append(byte) } else if !isAfterOther { variable.append(UInt8(ascii: "_")) }
            isAfterOther = !isPart
        }
        var trimmed = variable[...]
        while trimmed.first == UInt8(ascii: "_") { trimmed.removeFirst() }
        while trimmed.last == UInt8(ascii: "_") { trimmed.removeLast() }
        guard let first = trimmed.first else { return "unnamed_trigger" }
        return (isDigit(first) ? "trigger_" : "") + String(decoding: trimmed, as: UTF8.self)
    }
}
