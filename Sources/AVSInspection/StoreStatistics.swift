public import AVSStorage

/// How much there is of each kind of row.
public struct StoreStatistics: Hashable, Sendable {
    public struct Rows: Hashable, Sendable {
        public var count = 0
        public var keyBytes = 0
        public var valueBytes = 0

        public init() {}

        mutating func add(key: [UInt8], value: [UInt8]) {
            count += 1
            keyBytes += key.count
            valueBytes += value.count
        }
    }

    /// Of every table, empty ones too, in the order of ``StoredTable/all``.
    public private(set) var tables: [(table: StoredTable, rows: Rows)] = StoredTable.all.map { ($0, Rows()) }
    /// Rows under no table's prefix.
    public private(set) var unknown = Rows()

    public init() {}

    /// Counts the next turn of rows behind `cursor` (KEY-4).
    ///
    /// - Returns: where to go on, or nil at the end.
    public mutating func count(after cursor: [UInt8]?, in reader: borrowing some StoreReader & ~Copyable) throws
        -> [UInt8]?
    {
        let range = cursor.map { KeyRange.all.after($0) } ?? .all
        var last: [UInt8]?
        let end = try reader.scan(range, order: .ascending, limit: StorageLimits.scanRowsMax) { key, value in
            add(key: key, value: value)
            last = key
            return .next
        }
        return end == .limitReached ? last : nil
    }

    private mutating func add(key: [UInt8], value: [UInt8]) {
        let table = StoredTable.table(of: key)
        if let index = tables.firstIndex(where: { $0.table == table }) {
            tables[index].rows.add(key: key, value: value)
        } else {
            unknown.add(key: key, value: value)
        }
    }

    public static func == (lhs: StoreStatistics, rhs: StoreStatistics) -> Bool {
        lhs.unknown == rhs.unknown
            && lhs.tables.elementsEqual(rhs.tables) { $0.table == $1.table && $0.rows == $1.rows }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(unknown)
        for entry in tables { hasher.combine(entry.rows) }
    }
}
