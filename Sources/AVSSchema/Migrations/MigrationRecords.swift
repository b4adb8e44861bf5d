public import AVSPrimitives
public import AVSStorage

/// `migration:<name>`: there once the migration is done.
public struct MigrationKey: StoreKey {
    public typealias Value = MigrationMark
    public static let table = Table.migration
    public var name: MigrationName

    public init(_ name: MigrationName) { self.name = name }
    public func encode(into key: inout KeyEncoder) { key.append(name) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { name = try key.read() }
}

/// `records=<n>,ts=<ms>`.
public struct MigrationMark: StoreValue, Hashable {
    /// How many were changed.
    public var records: UInt64
    public var doneAt: Timestamp

    public init(records: UInt64, doneAt: Timestamp) {
        self.records = records
        self.doneAt = doneAt
    }

    public init(stored: [UInt8]) throws {
        let fields = try Fields(stored, names: ["records", "ts"])
        records = try fields.number(0)
        doneAt = Timestamp(milliseconds: Int64(clamping: try fields.number(1)))
    }

    public var stored: [UInt8] { Array("records=\(records),ts=\(max(0, doneAt.milliseconds))".utf8) }
}

/// `migration_at:<name>`: there from a migration's first batch to its last.
public struct MigrationProgressKey: StoreKey {
    public typealias Value = MigrationProgress
    public static let table = Table.migrationProgress
    public var name: MigrationName

    public init(_ name: MigrationName) { self.name = name }
    public func encode(into key: inout KeyEncoder) { key.append(name) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { name = try key.read() }
}

/// `records=<n>,after=<hex>`.
public struct MigrationProgress: StoreValue, Hashable {
    /// How many were changed so far.
    public var records: UInt64
    /// The key behind which the next turn begins.
    public var last: [UInt8]

    public init(records: UInt64, last: [UInt8]) {
        self.records = records
        self.last = last
    }

    public init(stored: [UInt8]) throws {
        let fields = try Fields(stored, names: ["records", "after"])
        records = try fields.number(0)
        guard let key = Hex.decode(fields.values[1]) else { throw MalformedValue("'\(fields.values[1])' is no hex") }
        last = key
    }

    public var stored: [UInt8] { Array("records=\(records),after=\(Hex.encode(last))".utf8) }
}

/// `name=value` pairs in a fixed order, separated by commas.
private struct Fields {
    let values: [String]

    init(_ stored: [UInt8], names: [String]) throws {
        let text = try String(stored: stored)
        let pairs = text.split(separator: ",", omittingEmptySubsequences: false)
        guard pairs.count == names.count, zip(pairs, names).allSatisfy({ $0.hasPrefix("\($1)=") }) else {
            throw MalformedValue("'\(text.prefix(80))' is not \(names.map { "\($0)=…" }.joined(separator: ","))")
        }
        values = zip(pairs, names).map { String($0.dropFirst($1.utf8.count + 1)) }
    }

    func number(_ index: Int) throws -> UInt64 { try DecimalText(stored: Array(values[index].utf8)).value }
}
