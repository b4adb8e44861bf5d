/// The keys from `lower` up to, but not including, `upper`, in byte order.
///
/// There is always an upper bound (KEY-3): a range never runs into the next table by accident.
public struct KeyRange: Hashable, Sendable {
    public let lower: [UInt8]
    public let upper: [UInt8]

    /// After every key: one byte longer than ``StorageLimits/keyBytesMax``, and nothing is greater than `0xff`.
    public static let end = [UInt8](repeating: 0xff, count: StorageLimits.keyBytesMax + 1)

    /// Every key there can be. For tools that look for what should not be there.
    public static let all = KeyRange(from: [], upTo: end)

    public init(from lower: [UInt8], upTo upper: [UInt8]) {
        self.lower = lower
        self.upper = upper
    }

    /// All keys that start with `prefix`.
    public init(prefix: [UInt8]) {
        self.init(from: prefix, upTo: KeyRange.successor(of: prefix))
    }

    public var isEmpty: Bool { !lower.lexicographicallyPrecedes(upper) }

    public func contains(_ key: [UInt8]) -> Bool {
        !key.lexicographicallyPrecedes(lower) && key.lexicographicallyPrecedes(upper)
    }

    /// The part of the range behind `key`: where an ascending page goes on. `key` need not exist.
    public func after(_ key: [UInt8]) -> KeyRange {
        let next = key + [0]  // the smallest key greater than `key`
        return lower.lexicographicallyPrecedes(next) ? KeyRange(from: next, upTo: upper) : self
    }

    /// The part of the range ahead of `key`: where a descending page goes on. `key` need not exist.
    public func before(_ key: [UInt8]) -> KeyRange {
        key.lexicographicallyPrecedes(upper) ? KeyRange(from: lower, upTo: key) : self
    }

    /// The smallest key that is greater than every key with this prefix.
    private static func successor(of prefix: [UInt8]) -> [UInt8] {
        guard let last = prefix.lastIndex(where: { $0 != 0xff }) else { return end }
        return prefix[..<last] + [prefix[last] + 1]
    }
}
