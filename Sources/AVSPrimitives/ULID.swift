/// An id that sorts by time of birth: 48 bits of milliseconds since the epoch, then 80 random bits.
///
///     | time: 48 bits | random: 80 bits |
///
/// Compared by value, never by text: older ids are stored in upper case, ours in lower case.
/// - Source: the ULID specification; Crockford's base 32 without its aliases (`i`, `l`, `o` and `u` are refused).
public struct ULID: Hashable, Comparable, Sendable, CustomStringConvertible {
    private let word: Word128

    public init(value: UInt128) { word = Word128(value) }

    public var value: UInt128 { word.value }

    /// The id that is never issued: stands where an id is yet to come.
    public static let zero = ULID(value: 0)

    /// 26 characters, lower case; nil otherwise, also above 128 bits (a first character after `7`).
    public init?(_ text: String) {
        self.init(text, lowering: 0)
    }

    /// As ``init(_:)``, also in upper or mixed case, as ids of the seed era are.
    public init?(anyCase text: String) {
        self.init(text, lowering: 0x20)
    }

    /// When the id was made, as far as it tells.
    public var timestamp: Timestamp { Timestamp(milliseconds: Int64(value >> 80)) }

    /// 26 lower-case characters.
    public var description: String {
        let characters = (0..<26).map { Self.alphabet[Int(value >> UInt128(125 - 5 * $0) & 31)] }
        return String(decoding: characters, as: UTF8.self)
    }

    public static func < (lhs: ULID, rhs: ULID) -> Bool { lhs.word < rhs.word }

    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// The value of each ASCII byte, 0xff for those outside the alphabet.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xff, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()

    private init?(_ text: String, lowering: UInt8) {
        guard text.utf8.count == 26 else { return nil }
        var value: UInt128 = 0
        for (index, character) in text.utf8.enumerated() {
            // Only letters change case: setting the bit in any other byte could make it a digit.
            let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(character)
            let digit = Self.values[Int(isUpper ? character | lowering : character)]
            guard digit != 0xff, index > 0 || digit < 8 else { return nil }
            value = value << 5 | UInt128(digit)
        }
        self.init(value: value)
    }
}

/// Makes ids that only grow, also when the clock stands still or goes back (TIM-4).
public struct ULIDGenerator: Sendable {
    /// The last id made, or the one given at the start.
    public private(set) var last: ULID?

    /// - Parameter last: the newest id in the store, so that ids do not go back over a restart.
    public init(after last: ULID? = nil) { self.last = last }

    /// How far `now` lies behind the last id; more than 60 s deserves a warning (TIM-4).
    public func lag(at now: Timestamp) -> Duration {
        guard let last else { return .zero }
        return max(.zero, last.timestamp.duration(since: now))
    }

    /// A new id: of this millisecond with fresh random bits, or the last id + 1 if that millisecond is not over.
    ///
    /// Times before 1970 count as 1970; times after the year 10889 as the last one that fits. An overflow of the
    /// random part carries into the time, which keeps the order. Only the very last value there is would repeat.
    public mutating func next(at now: Timestamp, using random: inout some RandomNumberGenerator) -> ULID {
        let time = UInt128(min(max(now.milliseconds, 0), 1 << 48 - 1))
        let bits = UInt128(random.next() as UInt64) << 16 | UInt128(random.next() as UInt16)
        var value = time << 80 | bits
        if let last, time <= last.value >> 80 {
            value = last.value == .max ? .max : last.value + 1
        }
        let id = ULID(value: value)
        last = id
        return id
    }
}
