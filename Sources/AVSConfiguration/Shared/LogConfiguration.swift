/// What is logged and in which form: `log`.
public struct LogConfiguration: Hashable, Sendable {
    public enum Level: String, CaseIterable, Sendable {
        case trace, debug, info, notice, warning, error, critical
    }

    public enum Format: String, CaseIterable, Sendable {
        /// One JSON object per line.
        case json
        /// For eyes.
        case text
    }

    /// What is below it is not written. In development `debug` unless the file says otherwise.
    public var level = Level.info
    /// In development `text` unless the file says otherwise.
    public var format = Format.json

    init() {}

    /// What `environment` decides, where the file does not.
    mutating func adapt(to environment: DeploymentEnvironment, _ context: SectionContext) {
        guard environment == .development else { return }
        if !context.isGiven("level") { level = .debug }
        if !context.isGiven("format") { format = .text }
    }
}

extension LogConfiguration: ConfigurationSection {
    static let keys: [Key<LogConfiguration>] = [
        .value("level", \.level, .choice),
        .value("format", \.format, .choice),
    ]
}
