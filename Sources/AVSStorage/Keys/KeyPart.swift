/// One part of a key, between two colons (KEY-5).
///
/// A conforming type admits only values whose bytes are in the part's own alphabet: an address is `0x` and 40
/// lower-case hex digits, an id is 26 characters of Crockford base32. So text that a user chose cannot forge a key.
public protocol KeyPart: Hashable, Sendable {
    /// The part's length in bytes, or `nil` where it varies. A part of varying length ends at the next colon.
    static var keyPartLength: Int? { get }

    /// Reads the part back; `nil` if these bytes are not what ``keyPart`` writes for any value.
    init?(keyPart: [UInt8])

    /// The bytes in the key: printable ASCII without colon, percent sign or space.
    var keyPart: [UInt8] { get }
}

/// A number that sorts: 20 decimal digits (KEY-6).
extension UInt64: KeyPart {
    public static let keyPartLength: Int? = 20

    public init?(keyPart: [UInt8]) {
        guard keyPart.count == 20, let value = DecimalDigits.value(of: keyPart) else { return nil }
        self = value
    }

    public var keyPart: [UInt8] { DecimalDigits.text(of: self, width: 20) }
}

/// A small index that sorts: 6 decimal digits, for example of a step within an execution.
public struct KeyIndex: KeyPart, Comparable {
    public static let keyPartLength: Int? = 6
    public static let max = 999_999
    public let value: Int

    /// `nil` unless 0…999,999.
    public init?(_ value: Int) {
        guard (0...KeyIndex.max).contains(value) else { return nil }
        self.value = value
    }

    public init?(keyPart: [UInt8]) {
        guard keyPart.count == 6, let value = DecimalDigits.value(of: keyPart) else { return nil }
        self.init(Int(value))
    }

    public var keyPart: [UInt8] { DecimalDigits.text(of: UInt64(value), width: 6) }

    public static func < (left: KeyIndex, right: KeyIndex) -> Bool { left.value < right.value }
}

/// A name: 1 to 255 of `A-Z a-z 0-9 _`.
public struct KeyName: KeyPart, CustomStringConvertible {
    public static let keyPartLength: Int? = nil
    public let keyPart: [UInt8]

    public init?(_ text: String) {
        self.init(keyPart: Array(text.utf8))
    }

    public init?(keyPart: [UInt8]) {
        guard (1...255).contains(keyPart.count), keyPart.allSatisfy(KeyName.allows) else { return nil }
        self.keyPart = keyPart
    }

    public var description: String { String(decoding: keyPart, as: UTF8.self) }

    private static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

/// Parts that are a closed set of words, for example the letter of a status.
extension KeyPart where Self: RawRepresentable, RawValue == String {
    public init?(keyPart: [UInt8]) {
        guard let text = String(validating: keyPart, as: UTF8.self) else { return nil }
        self.init(rawValue: text)
    }

    public var keyPart: [UInt8] { Array(rawValue.utf8) }
}

/// Strict decimal text: digits only, no sign (INP-6).
enum DecimalDigits {
    /// `nil` if empty, not all digits, or over `UInt64`.
    static func value(of text: some Sequence<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        var isEmpty = true
        for byte in text {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let (tenfold, tooLong) = value.multipliedReportingOverflow(by: 10)
            let (sum, tooLarge) = tenfold.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            if tooLong || tooLarge { return nil }
            value = sum
            isEmpty = false
        }
        return isEmpty ? nil : value
    }

    /// At least `width` digits, filled with zeros on the left.
    static func text(of value: UInt64, width: Int) -> [UInt8] {
        let digits = Array(String(value).utf8)
        return [UInt8](repeating: UInt8(ascii: "0"), count: Swift.max(0, width - digits.count)) + digits
    }
}
