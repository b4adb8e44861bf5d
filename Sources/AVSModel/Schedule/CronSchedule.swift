public import AVSPrimitives

/// A cron schedule: when a cron trigger fires. Evaluated in UTC, or in the zone that its text begins with.
///
/// Accepted are five fields, `minute hour day-of-month month day-of-week`, and the descriptors `@yearly`, `@annually`,
/// `@monthly`, `@weekly`, `@daily`, `@midnight`, `@hourly` and `@every <duration>`; before either may stand
/// `CRON_TZ=<zone>` or `TZ=<zone>`, where the zone is one of the IANA database, such as `Europe/Berlin`.
///
/// - A field is a comma-separated list of `*` (or `?`), numbers, ranges `a-b` and steps `*/n`, `a/n`, `a-b/n`. Months
///   and days have three-letter English names in any case; Sunday is 0 and 7.
/// - If both day fields are restricted a day that matches either one matches. `*/2` is a restriction.
/// - `@every 90m` fires at the multiples of its duration since the epoch, so that all operators name the same ticks,
///   also after a restart (TIM-6). The duration is a whole number of minutes: nothing is scheduled in seconds (TIM-11).
///   A zone changes nothing about it.
/// - In a zone, a local time that the clocks leave out fires at the first instant after the gap, once; one that they
///   read twice fires at the first. A schedule with `*` for its hour fires every real hour, 23 or 25 times a day
///   (TIM-7).
///
/// The type is a value: it parses once, and ``next(after:)`` in UTC allocates nothing.
///
/// - Source: aggregator-api.md 6.12, whose schedules have no zone; reliability-security.md 3.3.
public struct CronSchedule: Hashable, Sendable, CustomStringConvertible {
    /// A longer text is refused unread. A full list of 60 minutes has 170 bytes.
    public static let sizeLimitBytes = 256
    /// The longest `@every`: 366 days. What is rarer has a date, and fields can say it.
    public static let longestIntervalMinutes: Int64 = 366 * 1440

    enum Rule: Hashable, Sendable {
        case fields(CronFields)
        case every(minutes: Int64)
    }

    /// The text as it was given.
    public let description: String
    let rule: Rule
    /// Nil is UTC.
    let zone: CronZone?

    /// - Throws: ``CronError`` naming the field, the value and what is allowed.
    public init(_ text: String) throws(CronError) {
        (rule, zone) = try CronParser.parse(text)
        description = text
    }

    /// The first tick strictly after `instant`, at second 0 of a minute.
    ///
    /// - Returns: nil if there is none within eight years, which means never: 30 February, or the end of time.
    public func next(after instant: Timestamp) -> Timestamp? {
        let (minute, _) = instant.milliseconds.flooredQuotientAndRemainder(dividingBy: 60_000)
        let tick: Int64?
        switch rule {
        case .fields(let fields):
            tick =
                if let zone { zone.first(of: fields, from: minute + 1) } else {
                    fields.first(from: CivilMinute(utcMinute: minute + 1))?.utcMinute
                }
        case .every(let minutes):
            let (quotient, _) = minute.flooredQuotientAndRemainder(dividingBy: minutes)
            tick = (quotient + 1) * minutes
        }
        guard let tick else { return nil }
        let (milliseconds, overflow) = tick.multipliedReportingOverflow(by: 60_000)
        return overflow ? nil : Timestamp(milliseconds: milliseconds)
    }
}
