public import AVSStorage

/// Messages in the order in which they were written.
public struct OutboxKey: StoreKey {
    public typealias Value = OutboxMessage
    public static let table = Table.outbox
    public var number: UInt64

    public init(_ number: UInt64) { self.number = number }
    public func encode(into key: inout KeyEncoder) { key.append(number) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { number = try key.read() }
}

/// The number of the newest message.
public struct OutboxNumberKey: StoreKey {
    public typealias Value = DecimalText
    public static let table = Table.outboxNumber

    public init() {}
    public func encode(into key: inout KeyEncoder) { key.append(literal: "newest") }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { try key.read(literal: "newest") }
}

/// How many messages there are.
public struct OutboxCountKey: StoreKey {
    public typealias Value = DecimalText
    public static let table = Table.outboxCount

    public init() {}
    public func encode(into key: inout KeyEncoder) { key.append(literal: "all") }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { try key.read(literal: "all") }
}
