/// A place in a configuration file, as editors count: from 1, columns in Unicode scalars.
public struct SourcePosition: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public var description: String { "\(line):\(column)" }

    public static func < (lhs: SourcePosition, rhs: SourcePosition) -> Bool {
        (lhs.line, lhs.column) < (rhs.line, rhs.column)
    }
}

/// One thing about a configuration file that somebody should know.
///
/// Its text is `file:line:column: key: what is wrong and what is allowed`, the form that editors make a link of. Values
/// of secret keys never appear in it.
public struct ConfigurationProblem: Hashable, Sendable, CustomStringConvertible {
    /// The path as the caller gave it.
    public var file: String
    /// Nil where the file as a whole is meant: it cannot be read, it is open to others.
    public var position: SourcePosition?
    /// The dotted path of the key, such as `chains[0].rpc_urls[1]`. Empty where the whole document is meant.
    public var key: String
    public var message: String

    public init(file: String, position: SourcePosition?, key: String, message: String) {
        self.file = file
        self.position = position
        self.key = key
        self.message = message
    }

    public var description: String {
        let place = position.map { "\(file):\($0)" } ?? file
        return key.isEmpty ? "\(place): \(message)" : "\(place): \(key): \(message)"
    }
}

/// Why a configuration cannot be used: everything that was found, in the order of the file.
///
/// A program ends with exit code 78 on it (reliability-security 1.5).
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    public var problems: [ConfigurationProblem]

    public init(problems: [ConfigurationProblem]) { self.problems = problems }

    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
