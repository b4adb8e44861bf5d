/// Reads the text of a cron schedule, byte by byte: the text comes from users.
enum CronParser {
    static func parse(_ text: String) throws(CronError) -> (CronSchedule.Rule, CronZone?) {
        guard text.utf8.count <= CronSchedule.sizeLimitBytes else { throw .tooLong(bytes: text.utf8.count) }
        var words = text.utf8.split { isBlank($0) }.map { [UInt8]($0) }
        var zone: CronZone?
        if let first = words.first { zone = try self.zone(first) }
        if zone != nil { words.removeFirst() }
        if let first = words.first, first.first == UInt8(ascii: "@") {
            return (try descriptor(words), zone)
        }
        return (.fields(try fields(words)), zone)
    }

    /// `CRON_TZ=<name>` or `TZ=<name>`; nil for any other word.
    private static func zone(_ word: [UInt8]) throws(CronError) -> CronZone? {
        guard let mark = ["CRON_TZ=", "TZ="].first(where: { word.starts(with: $0.utf8) }) else { return nil }
        let name = string(word.dropFirst(mark.utf8.count))
        guard let zone = CronZone(name) else { throw .unknownZone(name) }
        return zone
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private static func string(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: Array(bytes), as: UTF8.self)
    }

    private static func fields(_ words: [[UInt8]]) throws(CronError) -> CronFields {
        guard words.count == 5 else { throw .fieldCount(words.count) }
        var daysOfWeek = try set(.dayOfWeek, words[4])
        if daysOfWeek.contains(7) { daysOfWeek.insert(0) }
        return CronFields(
            minutes: try set(.minute, words[0]), hours: try set(.hour, words[1]),
            daysOfMonth: try set(.dayOfMonth, words[2]), months: try set(.month, words[3]), daysOfWeek: daysOfWeek)
    }

    // MARK: One field

    private static func set(_ field: CronField, _ text: [UInt8]) throws(CronError) -> CronSet {
        var result = CronSet()
        for item in text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            try add(item, of: field, to: &result)
        }
        return result
    }

    /// One item of a list: `*`, `?`, `n`, `a-b`, each with or without `/step`.
    private static func add(
        _ item: ArraySlice<UInt8>, of field: CronField, to result: inout CronSet
    ) throws(CronError) {
        let parts = item.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard let range = parts.first, parts.count <= 2 else { throw .malformed(field, string(item)) }
        var step = 1
        if parts.count == 2 {
            guard let number = decimal(parts[1]) else { throw .malformed(field, string(item)) }
            guard number > 0 else { throw .zeroStep(field, string(item)) }
            step = number
        }
        let isStar = range.elementsEqual("*".utf8) || range.elementsEqual("?".utf8)
        if isStar, step == 1 { result.isStar = true }
        let numbers =
            isStar ? field.bounds.lowerBound...field.last : try numbers(range, of: field, openEnded: parts.count == 2)
        for number in stride(from: numbers.lowerBound, through: numbers.upperBound, by: step) { result.insert(number) }
    }

    /// `a-b`; or `a`, which before a step reaches to the end of the field.
    private static func numbers(
        _ text: ArraySlice<UInt8>, of field: CronField, openEnded: Bool
    ) throws(CronError) -> ClosedRange<Int> {
        let ends = text.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard ends.count <= 2, let first = ends.first, let last = ends.last else {
            throw .malformed(field, string(text))
        }
        let lower = try number(first, of: field)
        guard ends.count == 2 else {
            return openEnded ? lower...max(lower, field.last) : lower...lower
        }
        let upper = try number(last, of: field)
        guard lower <= upper else { throw .emptyRange(field, string(text)) }
        return lower...upper
    }

    private static func number(_ text: ArraySlice<UInt8>, of field: CronField) throws(CronError) -> Int {
        let (first, names) = field.names
        let lowercased = text.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 + 32 : $0 }
        if let index = names.firstIndex(where: { $0.utf8.elementsEqual(lowercased) }) { return first + index }
        guard let number = decimal(text) else { throw .malformed(field, string(text)) }
        guard field.bounds.contains(number) else { throw .outOfRange(field, string(text)) }
        return number
    }

    /// One to nine digits and nothing else, so that it always fits.
    private static func decimal(_ text: some Collection<UInt8>) -> Int? {
        guard (1...9).contains(text.count) else { return nil }
        var result = 0
        for byte in text {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            result = result * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return result
    }

    // MARK: Descriptors

    private static let descriptors = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
    ]

    private static func descriptor(_ words: [[UInt8]]) throws(CronError) -> CronSchedule.Rule {
        let name = string(words[0])
        if name.utf8.elementsEqual("@every".utf8) {
            guard words.count == 2, let minutes = interval(words[1]) else {
                throw .interval(words.dropFirst().map { string($0) }.joined(separator: " "))
            }
            return .every(minutes: minutes)
        }
        guard words.count == 1, let fields = descriptors[name] else {
            throw .unknownDescriptor(words.map { string($0) }.joined(separator: " "))
        }
        return .fields(try self.fields(fields.utf8.split(separator: UInt8(ascii: " ")).map { [UInt8]($0) }))
    }

    /// `1h30m`, `90m`, `120s`: the sum in minutes if it is a whole number within the limits.
    private static func interval(_ text: [UInt8]) -> Int64? {
        var seconds: Int64 = 0
        var digits: [UInt8] = []
        for byte in text {
            let unit: Int64
            switch byte {
            case UInt8(ascii: "h"): unit = 3600
            case UInt8(ascii: "m"): unit = 60
            case UInt8(ascii: "s"): unit = 1
            default:
                digits.append(byte)
                continue
            }
            // At most 9 digits and 3600: with 256 bytes of text the sum stays far below 2^63.
            guard let number = decimal(digits) else { return nil }
            seconds += Int64(number) * unit
            digits = []
        }
        guard digits.isEmpty, seconds % 60 == 0 else { return nil }
        let minutes = seconds / 60
        return (1...CronSchedule.longestIntervalMinutes).contains(minutes) ? minutes : nil
    }
}
