/// What an update changes, in a form where order no longer matters: first the ranges are emptied, then each key gets
/// its last value or is removed.
public struct ChangeSet: Sendable {
    /// Emptied before anything else: ascending, without overlap.
    public private(set) var deletedRanges: [KeyRange] = []
    /// For each key its new value, or `nil` for removed.
    private var entries = SortedMap<[UInt8]?>()
    /// Size of a write batch with these changes, roughly: what the bounds of a commit count (DUR-8).
    public private(set) var byteCount = 0

    public init() {}

    public var isEmpty: Bool { deletedRanges.isEmpty && entries.isEmpty }

    /// Number of records in a write batch with these changes.
    public var count: Int { deletedRanges.count + entries.count }

    /// What one record adds to ``byteCount``. 16 bytes cover a record's tag and lengths.
    static func bytes(of key: [UInt8], _ value: [UInt8]) -> Int { key.count + value.count + 16 }

    public mutating func put(_ key: [UInt8], _ value: [UInt8]) { set(key, value) }

    public mutating func delete(_ key: [UInt8]) { set(key, nil) }

    public mutating func deleteRange(_ range: KeyRange) {
        guard !range.isEmpty else { return }
        for (key, value) in entries.removeAll(in: range) { byteCount -= Self.bytes(of: key, value ?? []) }
        var merged = range
        var kept: [KeyRange] = []
        for other in deletedRanges {
            // Neighbours that only touch are merged as well.
            if other.upper.lexicographicallyPrecedes(merged.lower)
                || merged.upper.lexicographicallyPrecedes(other.lower)
            {
                kept.append(other)
            } else {
                byteCount -= Self.bytes(of: other.lower, other.upper)
                merged = merged.hull(other)
            }
        }
        let place = kept.firstIndex { merged.lower.lexicographicallyPrecedes($0.lower) } ?? kept.count
        kept.insert(merged, at: place)
        deletedRanges = kept
        byteCount += Self.bytes(of: merged.lower, merged.upper)
    }

    /// Adds the changes of an update that came after this one.
    public mutating func append(_ later: ChangeSet) {
        for range in later.deletedRanges { deleteRange(range) }
        later.forEachEntry { key, value in set(key, value) }
    }

    /// Each changed key in ascending order with its new value, or `nil` for removed.
    public func forEachEntry<E: Error>(_ body: (_ key: [UInt8], _ value: [UInt8]?) throws(E) -> Void) throws(E) {
        var cursor = entries.cursor(in: .all, order: .ascending)
        while let (key, value) = cursor.next() { try body(key, value) }
    }

    enum Lookup {
        case unchanged, deleted
        case value([UInt8])
    }

    func lookup(_ key: [UInt8]) -> Lookup {
        if let entry = entries[key] { return entry.map(Lookup.value) ?? .deleted }
        return hides(key) ? .deleted : .unchanged
    }

    /// Whether `key` lies in an emptied range. The ranges are sorted, so the last that starts at or before it decides.
    func hides(_ key: [UInt8]) -> Bool {
        guard !deletedRanges.isEmpty else { return false }
        var low = 0
        var high = deletedRanges.count
        while low < high {
            let middle = (low + high) / 2
            if key.lexicographicallyPrecedes(deletedRanges[middle].lower) { high = middle } else { low = middle + 1 }
        }
        return low > 0 && deletedRanges[low - 1].contains(key)
    }

    func cursor(in range: KeyRange, order: ScanOrder) -> SortedMap<[UInt8]?>.Cursor {
        entries.cursor(in: range, order: order)
    }

    private mutating func set(_ key: [UInt8], _ value: [UInt8]?) {
        if let old = entries.updateValue(value, for: key) { byteCount -= Self.bytes(of: key, old ?? []) }
        byteCount += Self.bytes(of: key, value ?? [])
    }
}

extension KeyRange {
    /// The smallest range that covers both.
    fileprivate func hull(_ other: KeyRange) -> KeyRange {
        KeyRange(
            from: other.lower.lexicographicallyPrecedes(lower) ? other.lower : lower,
            upTo: upper.lexicographicallyPrecedes(other.upper) ? other.upper : upper)
    }
}

/// A state with changes on top of it. It is a backend itself, so views stack: a commit in the making over the durable
/// state, and one update over that.
public struct ChangedView: ReadBackend {
    public var changes: ChangeSet
    private let base: any ReadBackend

    public init(changes: ChangeSet, base: any ReadBackend) {
        self.changes = changes
        self.base = base
    }

    public func get(_ key: [UInt8]) throws(StorageError) -> [UInt8]? {
        switch changes.lookup(key) {
        case .value(let value): value
        case .deleted: nil
        case .unchanged: try base.get(key)
        }
    }

    public func scan(
        _ range: KeyRange, order: ScanOrder, rowsExpected: Int,
        _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> ScanControl
    ) throws {
        var changed = changes.cursor(in: range, order: order)
        var next = changed.next()
        var control = ScanControl.next
        try base.scan(range, order: order, rowsExpected: rowsExpected) { key, value in
            while control == .next, let (mine, new) = next, order.puts(mine, before: key) {
                if let new { control = try body(mine, new) }
                next = changed.next()
            }
            guard control == .next else { return .stop }
            if let (mine, new) = next, mine == key {
                next = changed.next()
                if let new { control = try body(key, new) }
            } else if !changes.hides(key) {
                control = try body(key, value)
            }
            return control
        }
        while control == .next, let (mine, new) = next {
            if let new { control = try body(mine, new) }
            next = changed.next()
        }
    }
}

extension ScanOrder {
    fileprivate func puts(_ left: [UInt8], before right: [UInt8]) -> Bool {
        switch self {
        case .ascending: left.lexicographicallyPrecedes(right)
        case .descending: right.lexicographicallyPrecedes(left)
        }
    }
}
