extension Timestamp {
    /// `yyyy-mm-ddThh:mm:ss.SSSZ`, always three fraction digits, always UTC.
    ///
    /// Years outside 0…9999 are written with a sign and at least six digits, as ECMAScript does; ``init(iso8601:)``
    /// does not read those.
    public var iso8601: String {
        let (days, timeOfDay) = milliseconds.dividedRoundingDown(by: 86_400_000)
        let date = CivilDate(daysSinceEpoch: days)
        let year = (0...9999).contains(date.year) ? date.year.padded(4) : date.year.signedSixDigits
        let clock = [timeOfDay / 3_600_000, timeOfDay / 60_000 % 60, timeOfDay / 1000 % 60].map { $0.padded(2) }
        let time = clock.joined(separator: ":")
        return "\(year)-\(date.month.padded(2))-\(date.day.padded(2))T\(time).\((timeOfDay % 1000).padded(3))Z"
    }

    /// Exactly the layout `yyyy-mm-ddThh:mm:ss.SSSZ` of a time that exists (TIM-10); nil otherwise.
    ///
    /// Refused: 30 February, hour 24, second 60 (TIM-11), other fractions, offsets, lower-case letters, spaces.
    public init?(iso8601 text: String) {
        guard text.utf8.count == 24, text.utf8.last == UInt8(ascii: "Z") else { return nil }
        self.init(rfc3339: text)
    }

    /// The wider layout of RFC 3339 where a foreign source is read: the fraction may be absent or have 1 to 9 digits
    /// (cut to milliseconds), the zone is `Z` or `±hh:mm`. As strict as ``init(iso8601:)`` otherwise.
    public init?(rfc3339 text: String) {
        var reader = DigitReader(text.utf8)
        guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2), reader.skip("-"),
            let day = reader.number(2), reader.skip("T"), let hour = reader.number(2), reader.skip(":"),
            let minute = reader.number(2), reader.skip(":"), let second = reader.number(2),
            let fraction = reader.fraction(), let offset = reader.zoneOffsetMinutes(), reader.isAtEnd,
            let date = CivilDate(year: year, month: month, day: day), hour < 24, minute < 60, second < 60
        else { return nil }
        let minutes = (date.daysSinceEpoch * 24 + hour) * 60 + minute - offset
        milliseconds = (minutes * 60 + second) * 1000 + fraction
    }
}

/// A day of the proleptic Gregorian calendar.
private struct CivilDate {
    let year: Int64
    let month: Int64
    let day: Int64

    /// Nil unless the day exists.
    init?(year: Int64, month: Int64, day: Int64) {
        guard (1...12).contains(month), day >= 1, day <= Self.days(in: month, of: year) else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    /// Counted in eras of 400 years (146,097 days) that start on 1 March, so that the leap day comes last.
    init(daysSinceEpoch: Int64) {
        let (era, dayOfEra) = (daysSinceEpoch + 719_468).dividedRoundingDown(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    var daysSinceEpoch: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = shiftedYear.dividedRoundingDown(by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Reads fixed layouts byte by byte.
private struct DigitReader {
    private var rest: Substring.UTF8View

    init(_ text: String.UTF8View) { rest = text[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func digit() -> Int64? {
        guard let first = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return nil }
        rest.removeFirst()
        return Int64(first - UInt8(ascii: "0"))
    }

    /// A number of exactly `count` digits.
    mutating func number(_ count: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<count {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// Milliseconds of `.` and 1 to 9 digits; 0 if there is no point.
    mutating func fraction() -> Int64? {
        guard skip(".") else { return 0 }
        guard let first = digit() else { return nil }
        var nanoseconds = first * 100_000_000
        var weight: Int64 = 10_000_000
        while let digit = digit() {
            guard weight > 0 else { return nil }
            nanoseconds += digit * weight
            weight /= 10
        }
        return nanoseconds / 1_000_000
    }

    mutating func zoneOffsetMinutes() -> Int64? {
        if skip("Z") { return 0 }
        let sign: Int64
        if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
        guard let hours = number(2), skip(":"), let minutes = number(2), hours < 24, minutes < 60 else { return nil }
        return sign * (hours * 60 + minutes)
    }
}

extension Int64 {
    /// Decimal digits of a number that is not negative, with zeros in front up to `width`.
    fileprivate func padded(_ width: Int) -> String {
        let digits = String(magnitude)
        return String(repeating: "0", count: Swift.max(0, width - digits.utf8.count)) + digits
    }

    fileprivate var signedSixDigits: String { (self < 0 ? "-" : "+") + padded(6) }
}
