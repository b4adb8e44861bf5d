import AVSPrimitives
import AVSWorkflow
import FuzzInputs

/// Templates: a whole text renders to what its pieces render to, each marker by itself; in a JSON document every string
/// stays one string.
struct TemplateTarget: Target {
    static let name = "template"
    static let share = 100

    private static let words =
        ["{{", "}}", "{{a.data.n}}", "{{ a.data.quote }}", "{{a.data}}", "{{o}}", "{{}}", "{{nope}}", "{", "}", "\"", "\\", "\\\"",
            "{\"k\":\"", "\"}", "[", "]", ",", ":", "{{a.data.list[1]}}", "{{a.data.uni[4]}}", "eval", "prototype",
        ] + SampleVariables.words

    /// The reference looks at all text before each marker again.
    private static let referenceLimitBytes = 2_048

    private let resolver: TemplateResolver

    init() throws {
        resolver = TemplateResolver(variables: try SampleVariables.values(), scripts: SimpleScriptRunner())
    }

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        Words.changed(seed, words: Self.words, splicing: other, &random)
    }

    func take(_ input: [UInt8], _ random: inout Generator) async throws(Finding) {
        let text = String(decoding: input, as: UTF8.self)
        for style in [TemplateResolver.Style.plain, .json] {
            let rendered = try await render(text, style)
            let parts = SlowTemplate.parts(of: text)
            if !parts.contains(where: \.isMarker), !rendered.text.utf8.elementsEqual(text.utf8) {
                throw Finding("text without markers has changed")
            }
            if input.count <= Self.referenceLimitBytes { try await compare(rendered, with: parts, style) }
        }
        try await checkDocument(text)
    }

    private func render(
        _ text: String, _ style: TemplateResolver.Style
    ) async throws(Finding) -> TemplateResolver.Rendered {
        do throws(NodeFailure) {
            return try await resolver.render(text, in: "body", style: style)
        } catch {
            throw Finding("refused: \(error.message)")
        }
    }

    private func compare(
        _ rendered: TemplateResolver.Rendered, with parts: [SlowTemplate.Part], _ style: TemplateResolver.Style
    ) async throws(Finding) {
        var (expected, before, unresolved) = ("", "", [String]())
        for part in parts {
            guard part.isMarker else {
                expected += part.text
                before += part.text
                continue
            }
            let isInside = style == .json && SlowTemplate.endsInsideString(before)
            expected += try await alone(part, style, isInside)
            let value = try await render("{{ \(part.text) }}", .plain)
            for expression in value.unresolved.map(\.expression) where !unresolved.contains(where: { $0.utf8.elementsEqual(expression.utf8) }) {
                unresolved.append(expression)
            }
        }
        guard rendered.text.utf8.elementsEqual(expected.utf8) else {
            throw Finding("\(style): '\(rendered.text)', in pieces '\(expected)'")
        }
        guard rendered.unresolved.map(\.expression) == unresolved else {
            throw Finding("unresolved \(rendered.unresolved.map(\.expression)), in pieces \(unresolved)")
        }
    }

    /// What stands for one marker, which is rendered with nothing around it but quotes.
    private func alone(
        _ marker: SlowTemplate.Part, _ style: TemplateResolver.Style, _ isInside: Bool
    ) async throws(Finding) -> String {
        guard isInside else { return try await render("{{ \(marker.text) }}", style).text }
        let quoted = try await render("\"{{ \(marker.text) }}\"", .json).text
        let plain = try await render("{{ \(marker.text) }}", .plain).text
        guard let value = SlowTemplate.parse(quoted), value == .string(plain) else {
            throw Finding("\(quoted) is not the JSON string of '\(plain)'")
        }
        return String(quoted.unicodeScalars.dropFirst().dropLast())
    }

    /// A JSON document whose markers stand inside its strings stays that document, with each string rendered.
    private func checkDocument(_ text: String) async throws(Finding) {
        // A backslash belongs to the document for one reader, to the expression for the other.
        guard !text.utf8.contains(UInt8(ascii: "\\")), let document = SlowTemplate.parse(text) else { return }
        var (strings, keys) = ([String](), [String]())
        SlowTemplate.collect(document, &strings, &keys)
        let markers = SlowTemplate.parts(of: text).count(where: \.isMarker)
        // A marker may begin in one string and end in another, or in a key, where two may become one.
        guard strings.reduce(0, { $0 + SlowTemplate.parts(of: $1).count(where: \.isMarker) }) == markers else { return }
        var rendered: [String] = []
        for string in strings { rendered.append(try await render(string, .plain).text) }
        let result = try await render(text, .json).text
        guard let again = SlowTemplate.parse(result) else { throw Finding("no JSON any more: \(result)") }
        var (texts, names) = ([String](), [String]())
        SlowTemplate.collect(again, &texts, &names)
        guard texts == rendered, names == keys else { throw Finding("another document: \(result)") }
    }
}
