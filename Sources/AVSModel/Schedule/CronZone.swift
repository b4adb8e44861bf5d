import Foundation

/// A time zone as cron schedules need it: which civil minute an instant reads, and which instants read a civil minute.
///
/// Instants are minutes since the epoch in UTC. An offset that is no whole number of minutes (local mean times, long
/// gone) is cut to one. Two changes of one zone are more than two days apart: there were no others since 1970.
///
/// - Source: reliability-security.md TIM-6, TIM-7; the data is that of ICU, which comes with the Swift toolchain
///   (TIM-9).
struct CronZone: Hashable, Sendable {
    /// No zone has changed its clocks by more: Samoa left out a day in 2011.
    private static let largestChangeMinutes: Int64 = 1440
    private static let nameLimitBytes = 64
    /// An instant so far from the epoch (in minutes) has the offset of that moment: the year 20,000 and its mirror.
    private static let farthestMinute: Int64 = 9_500_000_000

    /// As it was given: `Europe/Berlin`.
    let name: String
    private let zone: TimeZone

    /// Nil for what names no zone of the IANA database. Names are compared byte by byte.
    init?(_ name: String) {
        // Foundation knows more, such as `GMT+5`, which the database counts the other way round.
        guard (1...Self.nameLimitBytes).contains(name.utf8.count), name.utf8.allSatisfy(Self.isNamePart),
            name == "UTC" || name.utf8.contains(UInt8(ascii: "/")), let zone = TimeZone(identifier: name)
        else { return nil }
        self.name = name
        self.zone = zone
    }

    private static func isNamePart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "/_-+".utf8.contains(byte)
        }
    }

    /// Minutes that the zone's clocks are ahead of UTC.
    private func offset(at minute: Int64) -> Int64 {
        let known = min(max(minute, -Self.farthestMinute), Self.farthestMinute)
        let seconds = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(known) * 60))
        return Int64(seconds).flooredQuotientAndRemainder(dividingBy: 60).quotient
    }

    /// The first minute after `start`, and no later than `end`, that has another offset than `start`.
    private func change(after start: Int64, until end: Int64) -> Int64? {
        let before = offset(at: start)
        guard offset(at: end) != before else { return nil }
        var (same, other) = (start, end)
        while other - same > 1 {
            let middle = same + (other - same) / 2
            if offset(at: middle) == before { same = middle } else { other = middle }
        }
        return other
    }

    // MARK: Ticks

    /// The first tick of `fields` at `minute` or later. Nil if there is none within eight years.
    func first(of fields: CronFields, from minute: Int64) -> Int64? {
        fields.hours.isStar ? firstReal(of: fields, from: minute) : firstLocal(of: fields, from: minute)
    }

    /// For a schedule with `*` for its hour: every real minute whose reading matches, so both that read the same.
    private func firstReal(of fields: CronFields, from minute: Int64) -> Int64? {
        var from = minute
        // Each turn ends, jumps to before the next matching reading, or passes a change of the clocks; there are
        // at most four changes around a matching reading and around the start.
        for _ in 0..<16 {
            let offset = offset(at: from)
            let civil = fields.first(from: CivilMinute(utcMinute: from + offset))
            guard let tick = civil?.utcMinute.map({ $0 - offset }) else { return nil }
            let near = from + 2 * Self.largestChangeMinutes
            if let change = change(after: from, until: min(tick, near)) {
                from = change
            } else if tick <= near {
                return tick
            } else {
                // Nothing reads a matching minute until a day before it, whatever the clocks do meanwhile.
                from = max(near, tick - 2 * Self.largestChangeMinutes)
            }
        }
        return nil
    }

    /// For a schedule that names hours: each matching reading once, at its first instant.
    private func firstLocal(of fields: CronFields, from minute: Int64) -> Int64? {
        // What follows the reading before, so that a gap that ends at this minute is looked into.
        var from = CivilMinute(utcMinute: minute + offset(at: minute - 1))
        // Of the readings of a day that is read twice the first instants have passed: at most a second turn.
        for _ in 0..<2 {
            guard let civil = fields.first(from: from), let reading = civil.utcMinute else { return nil }
            let tick = firstInstant(reading: reading)
            if tick >= minute { return tick }
            from = CivilMinute(utcMinute: endOfRepetition(around: minute))
        }
        return nil
    }

    /// The first instant that reads this civil minute; where the clocks leave it out, the first instant after the gap.
    private func firstInstant(reading civil: Int64) -> Int64 {
        let (start, end) = (civil - Self.largestChangeMinutes, civil + Self.largestChangeMinutes)
        let before = offset(at: start)
        guard let change = change(after: start, until: end) else { return civil - before }
        if civil - before < change { return civil - before }
        return max(change, civil - offset(at: change))
    }

    /// The first reading that is not a repetition, at or after an instant whose reading is one.
    private func endOfRepetition(around minute: Int64) -> Int64 {
        let start = minute - Self.largestChangeMinutes
        guard let change = change(after: start, until: minute) else { return minute + offset(at: minute) }
        return change + offset(at: start)
    }
}
