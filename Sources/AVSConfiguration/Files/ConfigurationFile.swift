import AVSPrimitives

// Files → configurations.
extension AggregatorConfiguration {
    /// Reads the file at `path`. One that holds secrets and that others can read is refused in production and warned of
    /// in development (HRD-5).
    public static func load(
        _ path: String, facts: ProcessFacts
    ) throws(ConfigurationError) -> LoadedConfiguration<AggregatorConfiguration> {
        try load(path, userID: facts.userID, strictness: \.environment) { (bytes) throws(ConfigurationError) in
            try read(bytes, file: path, facts: facts)
        }
    }
}

extension OperatorConfiguration {
    /// The same as ``AggregatorConfiguration/load(_:facts:)``.
    public static func load(
        _ path: String, facts: ProcessFacts
    ) throws(ConfigurationError) -> LoadedConfiguration<OperatorConfiguration> {
        try load(path, userID: facts.userID, strictness: \.environment) { (bytes) throws(ConfigurationError) in
            try read(bytes, file: path, facts: facts)
        }
    }
}

extension ConfigurationSection {
    fileprivate static func load(
        _ path: String, userID: UInt32, strictness: KeyPath<Self, DeploymentEnvironment>,
        read: ([UInt8]) throws(ConfigurationError) -> LoadedConfiguration<Self>
    ) throws(ConfigurationError) -> LoadedConfiguration<Self> {
        guard let file = try OpenFile.open(path) else { throw ConfigurationError(file: path, "does not exist") }
        let exposure = try file.facts().exposure(to: userID)
        var loaded = try read(file.content(limit: DocumentReader.sizeLimitBytes))
        guard loaded.holdsSecrets, let exposure else { return loaded }
        let problem = ConfigurationProblem(file: path, position: nil, key: "", message: "holds secrets and \(exposure)")
        guard loaded.value[keyPath: strictness] == .development else { throw ConfigurationError(problems: [problem]) }
        loaded.warnings.append(problem)
        return loaded
    }
}
