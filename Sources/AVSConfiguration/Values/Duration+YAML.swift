/// A unit of time as a configuration names it, from large to small.
enum DurationUnit: CaseIterable, Sendable {
    case days, hours, minutes, seconds, milliseconds

    var milliseconds: Int64 {
        switch self {
        case .days: 86_400_000
        case .hours: 3_600_000
        case .minutes: 60_000
        case .seconds: 1_000
        case .milliseconds: 1
        }
    }

    var symbol: String {
        switch self {
        case .days: "d"
        case .hours: "h"
        case .minutes: "m"
        case .seconds: "s"
        case .milliseconds: "ms"
        }
    }

    var plural: String {
        switch self {
        case .days: "days"
        case .hours: "hours"
        case .minutes: "minutes"
        case .seconds: "seconds"
        case .milliseconds: "milliseconds"
        }
    }
}

extension Duration {
    /// Whole milliseconds, rounded towards zero and held within `Int64`.
    var milliseconds: Int64 {
        let (seconds, fraction) = (components.seconds, components.attoseconds / 1_000_000_000_000_000)
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carry) = product.addingReportingOverflow(fraction)
        return carry ? (seconds < 0 ? .min : .max) : sum
    }

    /// `1h30m`; `0` for zero. Below a millisecond nothing is kept.
    var yaml: String {
        var rest = milliseconds
        guard rest > 0 else { return "0" }
        var text = ""
        for unit in DurationUnit.allCases where rest >= unit.milliseconds {
            text += "\(rest / unit.milliseconds)\(unit.symbol)"
            rest %= unit.milliseconds
        }
        return text
    }

    /// What ``yaml`` writes: number and unit, repeated from large to small, each unit at most once; or `0`.
    init?(yaml text: String) {
        guard text != "0" else {
            self = .zero
            return
        }
        var rest = Substring(text)
        var units = DurationUnit.allCases[...]
        var total: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let symbol = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(symbol.count)
            guard let count = Digits.integer(String(digits), as: Int64.self),
                let index = units.firstIndex(where: { $0.symbol == symbol })
            else { return nil }
            let (part, overflow) = count.multipliedReportingOverflow(by: units[index].milliseconds)
            let (sum, carry) = total.addingReportingOverflow(part)
            guard !overflow, !carry else { return nil }
            total = sum
            units = units[(index + 1)...]
        }
        guard !text.isEmpty else { return nil }
        self = .milliseconds(total)
    }
}
