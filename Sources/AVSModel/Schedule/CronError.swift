/// Why a text is no cron schedule. The description says which field, which value, and what is allowed.
public enum CronError: Error, Hashable, Sendable {
    /// The text is longer than ``CronSchedule/sizeLimitBytes``.
    case tooLong(bytes: Int)
    /// What follows `CRON_TZ=` is no zone of the IANA database.
    case unknownZone(String)
    /// Not five fields.
    case fieldCount(Int)
    /// A word after `@` that is no descriptor.
    case unknownDescriptor(String)
    /// What follows `@every` is not a duration we schedule.
    case interval(String)
    /// A list item such as nothing between two commas, or a range with a missing end.
    case malformed(CronField, String)
    /// A number outside the field's bounds.
    case outOfRange(CronField, String)
    /// A range whose end lies before its start.
    case emptyRange(CronField, String)
    /// A step of 0.
    case zeroStep(CronField, String)
}

extension CronError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tooLong(let bytes):
            "schedule has \(bytes) bytes, at most \(CronSchedule.sizeLimitBytes) are allowed"
        case .unknownZone(let name):
            "'\(name)' is not a time zone: 'UTC' or a name such as 'Europe/Berlin'"
        case .fieldCount(let count):
            "schedule has \(count) fields, 5 are needed: minute hour day-of-month month day-of-week"
        case .unknownDescriptor(let text):
            "'\(text)' is not one of @yearly @annually @monthly @weekly @daily @midnight @hourly @every"
        case .interval(let text):
            "'@every \(text)' must be whole minutes, such as 5m or 1h30m, from 1m to \(CronSchedule.longestIntervalMinutes)m"
        case .malformed(let field, let text):
            "\(field.rawValue) '\(text)' is not a number, name, range a-b, step a/n or * in a comma-separated list"
        case .outOfRange(let field, let text):
            "\(field.rawValue) '\(text)' is outside \(field.bounds.lowerBound)-\(field.bounds.upperBound)"
        case .emptyRange(let field, let text):
            "\(field.rawValue) range '\(text)' ends before it starts"
        case .zeroStep(let field, let text):
            "\(field.rawValue) '\(text)' has a step of 0"
        }
    }
}
