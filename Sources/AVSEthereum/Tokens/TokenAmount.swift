public import AVSPrimitives
public import BigInt

/// Amounts of tokens as people write them, and where contracts keep them.
public enum TokenAmount {
    /// `raw` divided by 10^`decimals`, exactly: no trailing zeros, no point if there is no fraction.
    ///
    /// `text(1500000, 6)` is `1.5`; negative amounts keep their digits, `-1.5` (execution engine, 7.9).
    /// - Parameter decimals: what a token says of itself; values below 0 or above 255 (a `uint8`) leave `raw` as it is.
    public static func text(_ raw: BigInt, decimals: Int) -> String {
        let digits = String(raw.magnitude)
        let sign = raw.sign == .minus && raw != 0 ? "-" : ""
        guard (1...255).contains(decimals) else { return sign + digits }
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.utf8.count)) + digits
        var fraction = padded.suffix(decimals)
        while fraction.last == "0" { fraction.removeLast() }
        let whole = padded.dropLast(decimals)
        return sign + (fraction.isEmpty ? "\(whole)" : "\(whole).\(fraction)")
    }

    /// The same for an integer as events show it: decimal text, or a number. Nil for anything else.
    public static func text(_ json: JSONValue, decimals: Int) -> String? {
        switch json {
        case .string(let text): return integer(text).map { self.text($0, decimals: decimals) }
        case .number(let number): return BigInt(exactly: number).map { text($0, decimals: decimals) }
        case .null, .bool, .array, .object: return nil
        }
    }

    /// An optional `-` and at most 78 digits, as many as a word has (INP-6).
    private static func integer(_ text: String) -> BigInt? {
        let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
        guard (1...78).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return BigInt(text)
    }

    /// The call that asks a token for the balance of `holder`: `balanceOf(address)`.
    public static func balanceCall(of holder: Address) -> [UInt8] {
        [0x70, 0xa0, 0x82, 0x31] + padded(holder)
    }

    /// Which compiler laid out a contract's storage.
    public enum MappingLayout: Hashable, Sendable, CaseIterable {
        /// The key's word before the mapping's.
        case solidity
        /// The other way round.
        case vyper
    }

    /// The storage slot of `holder` in a `mapping(address => …)` that stands at `slot`, such as ERC-20 balances.
    public static func mappingSlot(
        of holder: Address, at slot: UInt64, _ layout: MappingLayout = .solidity
    ) -> Hash32 {
        let (key, mapping) = (padded(holder), UInt256(slot).bigEndian)
        return Keccak256.hash(layout == .solidity ? key + mapping : mapping + key)
    }

    private static func padded(_ address: Address) -> [UInt8] { [UInt8](repeating: 0, count: 12) + address.bytes }
}
