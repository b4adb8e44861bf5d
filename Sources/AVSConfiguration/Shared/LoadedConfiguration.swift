/// A configuration that can be used, and what its owner should know about it.
public struct LoadedConfiguration<Value: Sendable>: Sendable {
    public var value: Value
    /// To be logged once at start, each in a line of its own.
    public var warnings: [ConfigurationProblem]
    /// Keys that the file gives and that decide nothing in this version; to be logged once at start as well.
    public var withoutEffect: [ConfigurationProblem]
    /// Whether the file holds a secret, so that its mode matters (HRD-5).
    public var holdsSecrets: Bool
}

extension LoadedConfiguration where Value: ConfigurationSection {
    init(reading bytes: [UInt8], file: String, facts: ProcessFacts) throws(ConfigurationError) {
        let reader = DocumentReader(file: file, facts: facts)
        value = try reader.read(bytes, as: Value.self)
        warnings = reader.warnings
        withoutEffect = reader.given(Value.withoutEffect).map { path, position in
            let text = "is set, but has no effect in this version"
            return ConfigurationProblem(file: file, position: position, key: path, message: text)
        }
        holdsSecrets = reader.holdsSecrets
    }
}
