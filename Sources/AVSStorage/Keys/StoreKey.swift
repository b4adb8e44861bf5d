/// One kind of record, known by the text its keys start with, such as `t:`. A prefix is never reused.
public struct Table: Hashable, Sendable {
    public let prefix: String

    public init(prefix: String) {
        self.prefix = prefix
    }
}

/// A typed key: which table, which parts in which order, and what type its value has.
///
/// A type that encodes its parts in the order in which it decodes them, and nothing else, is right; the round-trip
/// test of the schema proves it for each. A key never changes shape: a new shape is a new table.
public protocol StoreKey: Hashable, Sendable {
    associatedtype Value: StoreValue
    static var table: Table { get }
    func encode(into key: inout KeyEncoder)
    init(decoding key: inout KeyDecoder) throws(StorageError)
}

extension StoreKey {
    /// The key as it is stored.
    public var bytes: [UInt8] {
        var encoder = KeyEncoder(Self.table)
        encode(into: &encoder)
        return encoder.bytes
    }

    /// Reads a stored key.
    ///
    /// - Throws: ``StorageError/undecodable(key:reason:)`` unless these are exactly the bytes that ``bytes`` writes.
    public init(bytes: [UInt8]) throws(StorageError) {
        var decoder = try KeyDecoder(bytes, of: Self.table)
        try self.init(decoding: &decoder)
        try decoder.finish()
        guard self.bytes == bytes else {
            throw .undecodable(key: bytes, reason: "written back it is \(StorageError.printable(self.bytes))")
        }
    }
}

/// The rows of one table, or those under the first parts of its key: what a typed scan walks.
///
///     Rows<WalletKey>(under: owner)                     // all wallets of an owner
///     Rows<HistoryKey>(under: task).before(cursor)      // the page of executions before a cursor
public struct Rows<Key: StoreKey>: Hashable, Sendable {
    public let range: KeyRange

    private init(range: KeyRange) {
        self.range = range
    }

    /// The whole table. Where tables share a prefix (`t:seq` lies inside `t:`), name the first part instead.
    public static var all: Rows { Rows(range: KeyRange(prefix: Array(Key.table.prefix.utf8))) }

    /// The rows whose key starts with these whole parts, in the order of the key and fewer than it has.
    public init<each Part: KeyPart>(under part: repeat each Part) {
        var encoder = KeyEncoder(Key.table)
        repeat encoder.append(each part)
        encoder.endPrefix()
        range = KeyRange(prefix: encoder.bytes)
    }

    /// Only the rows behind this key, which need not exist: the next page in ascending order.
    public func after(_ key: Key) -> Rows { Rows(range: range.after(key.bytes)) }

    /// Only the rows ahead of this key, which need not exist: the next page in descending order.
    public func before(_ key: Key) -> Rows { Rows(range: range.before(key.bytes)) }
}
