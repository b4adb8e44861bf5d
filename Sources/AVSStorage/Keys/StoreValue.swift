/// What a value looks like in the store.
public protocol StoreValue: Sendable {
    /// - Throws: an error whose description says what is wrong with the bytes.
    init(stored: [UInt8]) throws
    var stored: [UInt8] { get throws }
}

/// Bytes as they are.
extension [UInt8]: StoreValue {
    public init(stored: [UInt8]) { self = stored }
    public var stored: [UInt8] { self }
}

/// UTF-8 text.
extension String: StoreValue {
    public init(stored: [UInt8]) throws {
        guard let text = String(validating: stored, as: UTF8.self) else { throw MalformedValue("not UTF-8") }
        self = text
    }

    public var stored: [UInt8] { Array(utf8) }
}

/// A number as decimal text: counters, status numbers, run indexes. Digits only, no leading zero, so that each number
/// has one form.
public struct DecimalText: StoreValue, Hashable, ExpressibleByIntegerLiteral {
    public var value: UInt64

    public init(_ value: UInt64) { self.value = value }
    public init(integerLiteral value: UInt64) { self.value = value }

    public init(stored: [UInt8]) throws {
        guard let value = DecimalDigits.value(of: stored), stored.count == 1 || stored.first != UInt8(ascii: "0") else {
            throw MalformedValue("\(StorageError.printable(stored)) is not a decimal number")
        }
        self.value = value
    }

    public var stored: [UInt8] { DecimalDigits.text(of: value, width: 1) }
}

/// A number as 8 bytes, big-endian: the store's own counters.
public struct BigEndianNumber: StoreValue, Hashable {
    public var value: UInt64

    public init(_ value: UInt64) { self.value = value }

    public init(stored: [UInt8]) throws {
        guard stored.count == 8 else { throw MalformedValue("\(stored.count) bytes instead of 8") }
        value = stored.reduce(0) { $0 << 8 | UInt64($1) }
    }

    public var stored: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) } }
}

/// Why stored bytes are not a value of their type.
public struct MalformedValue: Error, Hashable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
