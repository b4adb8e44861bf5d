/// A decimal number with at most six digits after the point, held exactly: dollars, percents.
public struct DecimalAmount: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number times 1,000,000.
    public let millionths: Int64

    public init(millionths: Int64) { self.millionths = millionths }

    /// `12`, `0.02`: digits, and after a point one to six more. Nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first.flatMap({ Digits.integer(String($0), as: Int64.self) }), whole >= 0 else {
            return nil
        }
        var fraction: Int64 = 0
        if let digits = parts.dropFirst().first {
            let padded = String(digits) + String(repeating: "0", count: max(0, 6 - digits.utf8.count))
            guard (1...6).contains(digits.utf8.count), padded.utf8.allSatisfy({ (48...57).contains($0) }),
                let value = Int64(padded)
            else { return nil }
            fraction = value
        }
        let (millionths, overflow) = whole.multipliedReportingOverflow(by: 1_000_000)
        let (sum, carry) = millionths.addingReportingOverflow(fraction)
        guard !overflow, !carry else { return nil }
        self.init(millionths: sum)
    }

    public var description: String {
        let (whole, fraction) = millionths.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        var text = (millionths < 0 ? "-" : "") + "\(whole)"
        if fraction > 0 {
            var digits = "\(fraction)"
            digits = String(repeating: "0", count: 6 - digits.count) + digits
            while digits.hasSuffix("0") { digits.removeLast() }
            text += ".\(digits)"
        }
        return text
    }

    public static func < (lhs: DecimalAmount, rhs: DecimalAmount) -> Bool { lhs.millionths < rhs.millionths }
}
