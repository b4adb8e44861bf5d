/// A small hash table from stream number to whatever is kept per stream.
///
/// Open addressing with linear probing over two arrays: a lookup is a multiplication and, nearly always, one compare.
/// Stream numbers come from the peer; the table is bounded by the streams that the peer may have open at once, so the
/// worst clustering it can cause is one pass over that many integers.
///
/// Inlinable, since every frame looks a stream up and an unspecialized generic costs several times the lookup.
public struct StreamTable<Element> {
    @usableFromInline var keys: [Int32]  // 0 marks a free place: 0 is the connection and never in the table
    @usableFromInline var values: [Element?]
    @usableFromInline var used = 0
    @inlinable public var count: Int { used }

    @inlinable public init() {
        keys = Array(repeating: 0, count: 8)
        values = Array(repeating: nil, count: 8)
    }

    @inlinable public var isEmpty: Bool { count == 0 }

    @inlinable func home(_ key: Int32) -> Int {
        let spread = UInt32(bitPattern: key >> 1) &* 2_654_435_769  // 2^32 divided by the golden ratio
        return Int(spread >> 8) & (keys.count - 1)
    }

    @inlinable func place(of key: Int32) -> Int? {
        var index = home(key)
        while keys[index] != key {
            if keys[index] == 0 { return nil }
            index = (index + 1) & (keys.count - 1)
        }
        return index
    }

    @inlinable public func contains(_ id: StreamID) -> Bool { place(of: id.rawValue) != nil }

    @inlinable public subscript(id: StreamID) -> Element? {
        guard id.rawValue != 0, let index = place(of: id.rawValue) else { return nil }
        return values[index]
    }

    /// Adds or replaces.
    @inlinable public mutating func insert(_ element: Element, for id: StreamID) {
        guard id.rawValue != 0 else { return }
        if let index = place(of: id.rawValue) {
            values[index] = element
            return
        }
        if (used + 1) * 2 > keys.count { grow() }
        store(element, for: id.rawValue)
        used += 1
    }

    /// Changes the element in place. Returns nil when there is none.
    @discardableResult
    @inlinable public mutating func update<R, E: Error>(
        _ id: StreamID, _ body: (inout Element) throws(E) -> R
    ) throws(E) -> R? {
        guard id.rawValue != 0, let index = place(of: id.rawValue), var element = values[index] else { return nil }
        values[index] = nil  // give up the table's copy, so that the change is in place
        defer { values[index] = element }
        return try body(&element)
    }

    @discardableResult
    @inlinable public mutating func remove(_ id: StreamID) -> Element? {
        guard id.rawValue != 0, var hole = place(of: id.rawValue) else { return nil }
        let removed = values[hole]
        used -= 1
        // Close the gap: move back each following element whose home is at or before the hole.
        let mask = keys.count - 1
        var next = (hole + 1) & mask
        while keys[next] != 0 {
            let distance = (next - home(keys[next])) & mask
            if distance >= (next - hole) & mask {
                keys[hole] = keys[next]
                values[hole] = values[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        keys[hole] = 0
        values[hole] = nil
        return removed
    }

    /// All elements, in no order.
    @inlinable public var all: [(id: StreamID, element: Element)] {
        zip(keys, values).compactMap { key, value in value.map { (StreamID(key), $0) } }
    }

    @inlinable mutating func store(_ element: Element, for key: Int32) {
        var index = home(key)
        while keys[index] != 0 { index = (index + 1) & (keys.count - 1) }
        keys[index] = key
        values[index] = element
    }

    @inlinable mutating func grow() {
        let old = all
        let capacity = keys.count * 2
        keys = Array(repeating: 0, count: capacity)
        values = Array(repeating: nil, count: capacity)
        for (id, element) in old { store(element, for: id.rawValue) }
    }
}

extension StreamTable: Sendable where Element: Sendable {}
