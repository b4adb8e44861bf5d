import AVSPrimitives
import Logging

/// Everything about one log statement, before it becomes a line.
struct LogRecord {
    var time: Timestamp
    var level: Logger.Level
    /// The logger's label: which part of the program speaks.
    var label: String
    var message: String
    var error: String?
    var metadata: Logger.Metadata = [:]
    /// `Module/File.swift:line`.
    var place: String
    /// How many identical ones before it were not written.
    var repetitions = 0
}

extension Logger.Level {
    /// Warnings and worse name the place in the source, and are held back when they repeat.
    var isWarning: Bool { self >= .warning }
}
