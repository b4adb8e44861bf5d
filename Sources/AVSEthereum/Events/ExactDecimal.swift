import BigInt

/// A decimal number compared without rounding: `coefficient` / 10^`scale`.
struct ExactDecimal: Comparable {
    private let coefficient: BigInt
    private let scale: Int

    /// An optional `-`, digits, and optionally a point and digits; at most 200 bytes (INP-6). Nil otherwise.
    ///
    /// A word has 78 digits, and no token has more than 255 decimals that anybody would write.
    init?(_ text: String) {
        guard text.utf8.count <= 200 else { return nil }
        let negative = text.hasPrefix("-")
        let parts = text.utf8.dropFirst(negative ? 1 : 0).split(
            separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        let digits = parts.flatMap { $0 }
        guard parts.allSatisfy({ !$0.isEmpty }), !digits.isEmpty,
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let magnitude = BigUInt(String(decoding: digits, as: UTF8.self))
        else { return nil }
        coefficient = BigInt(sign: negative ? .minus : .plus, magnitude: magnitude)
        scale = parts.count > 1 ? parts[1].count : 0
    }

    var isNegative: Bool { coefficient < 0 }

    var isWhole: Bool { coefficient % BigInt(10).power(scale) == 0 }

    static func == (lhs: ExactDecimal, rhs: ExactDecimal) -> Bool { !(lhs < rhs) && !(rhs < lhs) }

    static func < (lhs: ExactDecimal, rhs: ExactDecimal) -> Bool {
        lhs.coefficient * BigInt(10).power(rhs.scale) < rhs.coefficient * BigInt(10).power(lhs.scale)
    }
}
