/// A minute on the wall: a day of the proleptic Gregorian calendar and a minute of that day, in no particular zone.
///
/// Cron fields are matched against civil minutes; UTC or a ``CronZone`` joins them to instants. The arithmetic is
/// our own because a Foundation calendar costs 18 µs for a question and 43 ms for an impossible date (TIM-8).
struct CivilMinute: Hashable, Comparable, Sendable {
    /// Days since 1970-01-01, negative before it.
    var day: Int64
    /// 0 to 1439.
    var minuteOfDay: Int

    static let minutesPerDay: Int64 = 1440

    init(day: Int64, minuteOfDay: Int) {
        self.day = day
        self.minuteOfDay = minuteOfDay
    }

    /// The civil minute in UTC of a count of minutes since the epoch.
    init(utcMinute minute: Int64) {
        let (day, rest) = minute.flooredQuotientAndRemainder(dividingBy: Self.minutesPerDay)
        self.init(day: day, minuteOfDay: Int(rest))
    }

    /// Minutes since the epoch if this civil minute is one of UTC; nil where 64 bits do not hold it.
    var utcMinute: Int64? {
        let (minutes, overflow) = day.multipliedReportingOverflow(by: Self.minutesPerDay)
        guard !overflow else { return nil }
        let (sum, overflowed) = minutes.addingReportingOverflow(Int64(minuteOfDay))
        return overflowed ? nil : sum
    }

    static func < (a: CivilMinute, b: CivilMinute) -> Bool {
        (a.day, a.minuteOfDay) < (b.day, b.minuteOfDay)
    }
}

/// A month of the proleptic Gregorian calendar.
struct CivilMonth: Hashable, Sendable {
    /// Astronomical: the year before 1 is 0.
    var year: Int64
    /// 1 to 12.
    var month: Int

    var dayCount: Int {
        switch month {
        case 2: isLeapYear ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private var isLeapYear: Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    var next: CivilMonth {
        month == 12 ? CivilMonth(year: year + 1, month: 1) : CivilMonth(year: year, month: month + 1)
    }

    /// Days since 1970-01-01 of the first of this month.
    ///
    /// Years are counted from March, so that the leap day is the last day of a year, and in eras of 400 years, which
    /// all have 146,097 days. 719,468 is the distance from 0000-03-01 to 1970-01-01.
    var firstDay: Int64 {
        let marchYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = marchYear.flooredQuotientAndRemainder(dividingBy: 400)
        let monthFromMarch = Int64((month + 9) % 12)
        let dayOfYear = (153 * monthFromMarch + 2) / 5
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The month that contains a day, and the day's number in it (from 1).
    static func containing(day: Int64) -> (month: CivilMonth, dayOfMonth: Int) {
        let (era, dayOfEra) = (day + 719_468).flooredQuotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = Int(monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9)
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        return (CivilMonth(year: year, month: month), Int(dayOfMonth))
    }
}

extension Int64 {
    /// Division that rounds down, so that the remainder is never negative. The divisor is positive.
    func flooredQuotientAndRemainder(dividingBy divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
