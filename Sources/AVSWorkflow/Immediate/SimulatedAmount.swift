import AVSEthereum
import AVSPrimitives
import BigInt

/// The amount of a transfer that is made up: one with which the conditions on it hold, else one and a half tokens, or
/// one unit of a token that has no fractions.
///
/// - Source: execution-engine.md 4.5.4, 4.5.7.
struct SimulatedAmount: Sendable {
    let value: UInt256

    /// - Parameters:
    ///   - decimals: of the token.
    ///   - shown: by how many decimals the event's field is formatted, where it is: conditions then speak of tokens.
    init(_ conditions: [FieldCondition], decimals: Int, shownWith shown: Int?) {
        let own = conditions.filter { ["value", "amount"].contains($0.fieldName.split(separator: ".").last) }
        let candidates = own.compactMap { Self.candidate($0, decimals: shown ?? 0) }
        let fitting = candidates.first { candidate in
            own.allSatisfy { Self.holds($0, with: candidate, shownWith: shown) }
        }
        value = fitting ?? candidates.first ?? Self.sample(decimals: decimals)
    }

    private static func holds(_ condition: FieldCondition, with amount: UInt256, shownWith decimals: Int?) -> Bool {
        guard let decimals else { return condition.evaluate(on: .string(amount.description)).passed }
        var condition = condition
        condition.fieldType = "decimal"
        return condition.evaluate(on: .string(TokenAmount.text(BigInt(amount.magnitude), decimals: decimals))).passed
    }

    /// The nearest amount with which one condition holds.
    private static func candidate(_ condition: FieldCondition, decimals: Int) -> UInt256? {
        guard let bound = Bound(condition.value, decimals: decimals),
            let comparison = Comparison(condition.comparison)
        else { return nil }
        switch comparison {
        case .greater, .notEqual: return UInt256(bound.whole + 1)
        case .greaterOrEqual: return UInt256(bound.isExact ? bound.whole : bound.whole + 1)
        case .less where bound.isExact: return bound.whole == 0 ? nil : UInt256(bound.whole - 1)
        case .less, .lessOrEqual: return UInt256(bound.whole)
        case .equal: return bound.isExact ? UInt256(bound.whole) : nil
        }
    }

    private static func sample(decimals: Int) -> UInt256 {
        guard (1...70).contains(decimals) else { return UInt256(1) }
        return UInt256(BigUInt(15) * BigUInt(10).power(decimals - 1)) ?? UInt256(1)
    }

    /// A number of tokens in base units: the whole ones, and whether there is nothing between them and the next.
    private struct Bound {
        let whole: BigUInt
        let isExact: Bool

        /// - Parameter text: digits, and optionally a point and digits; at most 200 bytes (INP-6). Nil otherwise.
        init?(_ text: String, decimals: Int) {
            let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
            guard text.utf8.count <= 200, let units = parts.first, !units.isEmpty, parts.last?.isEmpty == false,
                parts.joined().allSatisfy({ (0x30...0x39).contains($0) })
            else { return nil }
            let fraction = parts.count > 1 ? Array(parts[1]) : []
            let kept = fraction.prefix(decimals) + [UInt8](repeating: 0x30, count: max(0, decimals - fraction.count))
            guard let whole = BigUInt(String(decoding: Array(units) + kept, as: UTF8.self)) else { return nil }
            self.whole = whole
            isExact = fraction.dropFirst(decimals).allSatisfy { $0 == 0x30 }
        }
    }
}
