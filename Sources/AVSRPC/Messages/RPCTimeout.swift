/// `grpc-timeout`: 1 to 8 digits and a unit, `H`, `M`, `S`, `m`, `u` or `n` (DL-1).
public enum RPCTimeout {
    public enum Parsed: Hashable, Sendable {
        case after(Duration)
        /// So long that it is as good as none.
        case never
        case malformed
    }

    /// Longer than this is no deadline: ten years.
    private static let longest = Duration.seconds(10 * 365 * 24 * 3_600)

    public static func parse(_ text: Span<UInt8>) -> Parsed {
        guard (2...9).contains(text.count) else { return .malformed }
        var number: Int64 = 0
        for index in 0..<(text.count - 1) {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[index]) else { return .malformed }
            number = number * 10 + Int64(text[index] - UInt8(ascii: "0"))
        }
        let duration: Duration
        switch text[text.count - 1] {
        case UInt8(ascii: "H"): duration = .seconds(number * 3_600)
        case UInt8(ascii: "M"): duration = .seconds(number * 60)
        case UInt8(ascii: "S"): duration = .seconds(number)
        case UInt8(ascii: "m"): duration = .milliseconds(number)
        case UInt8(ascii: "u"): duration = .microseconds(number)
        case UInt8(ascii: "n"): duration = .nanoseconds(number)
        default: return .malformed
        }
        return duration > longest ? .never : .after(duration)
    }

    /// The finest unit that fits eight digits, rounded up, so that a positive rest is never written as 0 (DL-2).
    public static func encode(_ timeout: Duration) -> String {
        let units: [(letter: String, nanoseconds: Int64)] = [
            ("n", 1), ("u", 1_000), ("m", 1_000_000), ("S", 1_000_000_000), ("M", 60_000_000_000),
            ("H", 3_600_000_000_000),
        ]
        let (seconds, attoseconds) = timeout.components
        guard timeout > .zero else { return "0n" }
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let nanoseconds = overflow || scaled > .max - 1_000_000_000 ? Int64.max - 1_000_000_000 : scaled
        let all = nanoseconds + (attoseconds + 999_999_999) / 1_000_000_000
        for unit in units {
            let number = all / unit.nanoseconds + (all % unit.nanoseconds == 0 ? 0 : 1)
            if number <= 99_999_999 { return "\(number)\(unit.letter)" }
        }
        return "99999999H"
    }
}
