#if canImport(Glibc)
    import Glibc
#endif

/// A cron schedule as sets of numbers, and the C library's calendar.
struct SlowCron {
    private enum Rule {
        case fields(sets: [Set<Int>], opensDays: (month: Bool, week: Bool))
        case every(minutes: Int64)
    }

    private static let bounds = [0...59, 0...23, 1...31, 1...12, 0...7]
    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    private static let days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    private static let named = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0", "@daily": "0 0 * * *",
        "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
    ]

    private let rule: Rule

    /// Nil for a text that is no schedule.
    init?(_ text: String) {
        guard text.utf8.count <= 256 else { return nil }
        var words = text.utf8.split { $0 == 0x20 || $0 == 0x09 }.map { String($0) ?? "" }
        if words.first == "TZ=UTC" || words.first == "CRON_TZ=UTC" { words.removeFirst() }
        if words.first == "@every" {
            guard words.count == 2, let minutes = Self.minutes(words[1]) else { return nil }
            rule = .every(minutes: minutes)
            return
        }
        let isNamed = words.count == 1 && words[0].hasPrefix("@")
        let fields = isNamed ? Self.named[words[0]]?.split(separator: " ").map(String.init) ?? [] : words
        guard fields.count == 5 else { return nil }
        var sets: [Set<Int>] = []
        for (index, field) in fields.enumerated() {
            guard let set = Self.set(field, index) else { return nil }
            sets.append(set)
        }
        if sets[4].contains(7) { sets[4].insert(0) }
        rule = .fields(sets: sets, opensDays: (Self.isOpen(fields[2]), Self.isOpen(fields[4])))
    }

    private static func isOpen(_ field: String) -> Bool {
        field.split(separator: ",").contains { item in
            let parts = item.split(separator: "/")
            return (parts[0] == "*" || parts[0] == "?") && (parts.count == 1 || number(String(parts[1])) == 1)
        }
    }

    private static func set(_ field: String, _ index: Int) -> Set<Int>? {
        var set: Set<Int> = []
        for item in field.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = item.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard parts.count <= 2, let step = parts.count == 2 ? number(parts[1]) : 1, step > 0 else { return nil }
            let last = index == 4 ? 6 : bounds[index].upperBound
            var (lower, upper) = (bounds[index].lowerBound, last)
            if parts[0] != "*" && parts[0] != "?" {
                let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
                guard ends.count <= 2, let start = value(ends[0], index) else { return nil }
                guard let end = ends.count == 2 ? value(ends[1], index) : start, start <= end else { return nil }
                lower = start
                upper = ends.count == 1 && parts.count == 2 ? max(start, last) : end
            }
            for number in lower...upper where (number - lower) % step == 0 { set.insert(number) }
        }
        return set
    }

    private static func value(_ text: String, _ index: Int) -> Int? {
        let names = index == 3 ? months : index == 4 ? days : []
        let isASCII = text.utf8.allSatisfy { $0 < 0x80 }  // a Kelvin sign has a lower case too
        if isASCII, let name = names.firstIndex(of: text.lowercased()) { return index == 3 ? name + 1 : name }
        return number(text).flatMap { bounds[index].contains($0) ? $0 : nil }
    }

    private static func number(_ text: String) -> Int? {
        let isPlain = (1...9).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        return isPlain ? Int(text) : nil
    }

    private static func minutes(_ text: String) -> Int64? {
        var (seconds, digits) = (0, "")
        for letter in text.unicodeScalars {
            switch letter {
            case "h", "m", "s":
                guard let count = number(digits) else { return nil }
                seconds += count * (letter == "h" ? 3_600 : letter == "m" ? 60 : 1)
                digits = ""
            default: digits.unicodeScalars.append(letter)
            }
        }
        let isWhole = digits.isEmpty && seconds % 60 == 0 && (60...366 * 86_400).contains(seconds)
        return isWhole ? Int64(seconds / 60) : nil
    }

    /// Some year has a day that it fires on.
    var hasDates: Bool {
        guard case .fields(let sets, let opens) = rule, !opens.month, opens.week else { return true }
        let lengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return sets[3].contains { month in sets[2].contains { $0 <= lengths[month - 1] } }
    }

    func matches(minute: Int64) -> Bool {
        switch rule {
        case .every(let minutes): return minute % minutes == 0
        case .fields(let sets, let opens):
            var (seconds, date) = (time_t(minute * 60), tm())
            guard gmtime_r(&seconds, &date) != nil else { return false }
            let byMonth = sets[2].contains(Int(date.tm_mday))
            let byWeek = sets[4].contains(Int(date.tm_wday))
            let day = opens.month || opens.week ? byMonth && byWeek : byMonth || byWeek
            return sets[0].contains(Int(date.tm_min)) && sets[1].contains(Int(date.tm_hour))
                && sets[3].contains(Int(date.tm_mon) + 1) && day
        }
    }
}
