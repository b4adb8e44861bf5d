/// A field of a cron schedule; the raw value is its name in messages.
public enum CronField: String, Hashable, Sendable, CaseIterable {
    case minute
    case hour
    case dayOfMonth = "day-of-month"
    case month
    case dayOfWeek = "day-of-week"

    /// The numbers allowed in the field. Sunday is 0 and also 7.
    public var bounds: ClosedRange<Int> {
        switch self {
        case .minute: 0...59
        case .hour: 0...23
        case .dayOfMonth: 1...31
        case .month: 1...12
        case .dayOfWeek: 0...7
        }
    }

    /// Where `*` and an open step such as `3/2` end: Saturday, although 7 is accepted as Sunday's other number.
    var last: Int { self == .dayOfWeek ? 6 : bounds.upperBound }

    /// Three-letter names, and the number of the first.
    var names: (first: Int, names: [String]) {
        switch self {
        case .minute, .hour, .dayOfMonth: (0, [])
        case .month: (1, ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
        case .dayOfWeek: (0, ["sun", "mon", "tue", "wed", "thu", "fri", "sat"])
        }
    }
}

/// The numbers that one field allows, one bit each.
struct CronSet: Hashable, Sendable {
    private(set) var bits: UInt64 = 0
    /// The field said `*` or `?`: it restricts nothing. `*/2` is a restriction.
    var isStar = false

    func contains(_ number: Int) -> Bool { bits & (1 << UInt64(number)) != 0 }

    mutating func insert(_ number: Int) { bits |= 1 << UInt64(number) }

    /// The smallest member that is at least `number` (0 to 64).
    func first(from number: Int) -> Int? {
        guard number < UInt64.bitWidth else { return nil }
        let rest = bits & (UInt64.max << UInt64(number))
        return rest == 0 ? nil : rest.trailingZeroBitCount
    }
}

/// The five sets of a cron schedule, matched against civil minutes. It knows no zone: a zone asks for the next civil
/// minute and says which instant that is (TIM-6, TIM-7).
struct CronFields: Hashable, Sendable {
    var minutes: CronSet
    var hours: CronSet
    var daysOfMonth: CronSet
    var months: CronSet
    var daysOfWeek: CronSet

    /// The search stops after so many months. A schedule that fires at all fires within eight years: the rarest day,
    /// 29 February, is eight years apart around a century that is no leap year. One month more for the rest of the
    /// month in which the search begins.
    static let searchLimitMonths = 8 * 12 + 1

    /// If both day fields are restricted either of them suffices; else both have to match, and the open one does.
    private func matches(dayOfMonth: Int, dayOfWeek: Int) -> Bool {
        let byMonth = daysOfMonth.contains(dayOfMonth)
        let byWeek = daysOfWeek.contains(dayOfWeek)
        return daysOfMonth.isStar || daysOfWeek.isStar ? byMonth && byWeek : byMonth || byWeek
    }

    /// The first matching civil minute that is `start` or later; nil if there is none, such as for 30 February.
    func first(from start: CivilMinute) -> CivilMinute? {
        if matches(day: start.day), let minute = minuteOfDay(from: start.minuteOfDay) {
            return CivilMinute(day: start.day, minuteOfDay: minute)
        }
        guard let day = firstDay(from: start.day + 1), let minute = minuteOfDay(from: 0) else { return nil }
        return CivilMinute(day: day, minuteOfDay: minute)
    }

    private func matches(day: Int64) -> Bool {
        let (month, dayOfMonth) = CivilMonth.containing(day: day)
        return months.contains(month.month) && matches(dayOfMonth: dayOfMonth, dayOfWeek: Self.dayOfWeek(day))
    }

    private func firstDay(from day: Int64) -> Int64? {
        var (month, firstOfSearch) = CivilMonth.containing(day: day)
        for _ in 0..<Self.searchLimitMonths {
            if months.contains(month.month) {
                let base = month.firstDay - 1
                for dayOfMonth in firstOfSearch...month.dayCount {
                    let candidate = base + Int64(dayOfMonth)
                    if matches(dayOfMonth: dayOfMonth, dayOfWeek: Self.dayOfWeek(candidate)) { return candidate }
                }
            }
            month = month.next
            firstOfSearch = 1
        }
        return nil
    }

    private func minuteOfDay(from minuteOfDay: Int) -> Int? {
        let (hour, minute) = minuteOfDay.quotientAndRemainder(dividingBy: 60)
        if hours.contains(hour), let later = minutes.first(from: minute) { return hour * 60 + later }
        guard let laterHour = hours.first(from: hour + 1), let first = minutes.first(from: 0) else { return nil }
        return laterHour * 60 + first
    }

    /// 0 is Sunday. 1970-01-01 was a Thursday.
    private static func dayOfWeek(_ day: Int64) -> Int {
        Int((day % 7 + 7 + 4) % 7)
    }
}
