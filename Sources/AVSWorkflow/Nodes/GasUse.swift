import AVSEthereum
import AVSPrimitives
import BigInt

/// The gas of a node's transactions, in gas and wei.
struct GasUse: Hashable, Sendable {
    var used: UInt256
    var totalCost: UInt256

    /// What a unit of gas cost on average, rounded down; 0 where none was used. For one transaction it is exactly the
    /// price that was paid.
    var price: UInt256 {
        guard used != .zero else { return .zero }
        return UInt256(totalCost.magnitude / used.magnitude) ?? .zero
    }

    /// The sums; nil for no parts at all. A sum beyond 256 bits is cut to the largest number.
    static func total(of parts: some Sequence<GasUse>) -> GasUse? {
        parts.reduce(nil) { sum, part in
            guard let sum else { return part }
            return GasUse(used: add(sum.used, part.used), totalCost: add(sum.totalCost, part.totalCost))
        }
    }

    private static func add(_ a: UInt256, _ b: UInt256) -> UInt256 { UInt256(a.magnitude + b.magnitude) ?? .max }
}
