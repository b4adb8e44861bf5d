/// Takes the values of secrets out of texts that people read (execution-engine.md 2.6, Q33).
public struct Redaction: Sendable {
    /// Shorter values are left: to take every `a` out of a log hides nothing and destroys the log.
    public static let shortestValueBytes = 4

    private let secrets: [(name: [UInt8], value: [UInt8])]

    /// - Parameter secrets: name to value.
    public init(secrets: [String: String]) {
        // Longer values first: one may contain another.
        self.secrets = secrets.filter { $0.value.utf8.count >= Self.shortestValueBytes }
            .sorted { ($1.value.utf8.count, $0.key) < ($0.value.utf8.count, $1.key) }
            .map { (name: Array("<\($0.key)>".utf8), value: Array($0.value.utf8)) }
    }

    /// `text` with each secret's value replaced by `<its name>`. Compared as bytes: an accent behind a value hides
    /// nothing.
    public func redact(_ text: String) -> String {
        let bytes = secrets.reduce(Array(text.utf8)) { $0.replacing($1.value, with: $1.name) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
