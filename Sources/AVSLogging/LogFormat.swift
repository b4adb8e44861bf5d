/// The form of a log line.
public enum LogFormat: String, CaseIterable, Sendable {
    /// One JSON object per line, for machines.
    case json
    /// One readable line, for a developer's terminal.
    case text
}

/// Bounds of what is logged (LOG-2, reliability-security 4.3).
public struct LogLimits: Hashable, Sendable {
    /// Bytes of one value as it is written, escapes included; what is beyond becomes `…`.
    public var valueBytes = 1 << 10
    /// Bytes of one line with its line feed; fields that do not fit are left out and counted.
    public var lineBytes = 8 << 10
    /// Lines that wait to be written. With the bound of a line this is at most 64 MiB, in an outage of the output.
    public var queuedLines = 8_192
    /// How long an identical warning of one place is held back after it was written.
    public var repeatInterval = Duration.seconds(1)
    /// Places whose warnings are watched at the same time; more of them are all written.
    public var watchedPlaces = 1_024

    public init() {}
}
