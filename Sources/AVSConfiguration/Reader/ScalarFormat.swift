import AVSPrimitives

/// How one kind of value is written in YAML: what is allowed, text → value, value → text.
///
/// The one place that knows a value's bounds. Everything that reads, prints or explains the value asks it.
struct ScalarFormat<Value: Hashable & Sendable>: Sendable {
    enum Style: Sendable {
        /// Numbers and booleans: plain in the file, `"5"` in quotes is a text and refused.
        case plain
        /// Texts: plain or quoted in the file.
        case text
        /// Texts that must not be shown: errors name no value, printing shows ``Sensitive/mark``.
        case secret
        /// Texts of which a part must not be shown.
        case partlySecret
    }

    /// What a person may write, to follow `wanted `.
    let allowed: String
    let style: Style
    /// Nil refuses. `acceptsMarks` is set when the output of `--print-config` is read back, whose secrets are marks.
    let parse: @Sendable (_ text: String, _ acceptsMarks: Bool) -> Value?
    /// What a value means in a file that stands in the folder: only paths mean something else in another.
    var placed: @Sendable (_ value: Value, _ folder: String) -> Value = { value, _ in value }
    /// What is printed: ``parse`` of it gives the value back, or a redacted one.
    let text: @Sendable (Value) -> String

    init(
        _ allowed: String, style: Style = .text, text: @escaping @Sendable (Value) -> String,
        parse: @escaping @Sendable (String) -> Value?
    ) {
        self.allowed = allowed
        self.style = style
        self.text = text
        self.parse = { text, _ in parse(text) }
    }

    init(
        secret allowed: String, style: Style = .secret, text: @escaping @Sendable (Value) -> String,
        parse: @escaping @Sendable (String, Bool) -> Value?
    ) {
        self.allowed = allowed
        self.style = style
        self.text = text
        self.parse = parse
    }

    /// A refused value as an error may show it: cut to 64 characters, control characters as `?` (LOG-4). Nil hides it.
    func shown(_ text: String) -> String? {
        switch style {
        case .plain, .text: Self.printable(text)
        case .secret: nil
        case .partlySecret: text.contains("://") ? Self.printable(EndpointURL.redacted(text)) : nil
        }
    }

    private static func printable(_ text: String) -> String {
        let scalars = text.unicodeScalars.prefix(65).map { scalar -> Character in
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator: "?"
            default: Character(scalar)
            }
        }
        return scalars.count > 64 ? String(scalars.prefix(64)) + "…" : String(scalars)
    }
}
