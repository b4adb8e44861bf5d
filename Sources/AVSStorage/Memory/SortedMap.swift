/// A map in byte order of its keys, as a list of sorted chunks.
///
///     chunks: [ [a, c, f] , [h, k] , [m, …] ]      no chunk is empty; at most `chunkMax` entries each
///
/// A change moves at most one chunk and the list of chunks, and a copy shares every chunk that it does not touch:
/// that makes a snapshot of it free.
struct SortedMap<Value: Sendable>: Sendable {
    typealias Entry = (key: [UInt8], value: Value)

    private var chunks: [[Entry]] = []
    private(set) var count = 0

    /// Small enough to move quickly, large enough that a million entries make a list of a few thousand chunks.
    private static var chunkMax: Int { 256 }

    var isEmpty: Bool { count == 0 }

    subscript(key: [UInt8]) -> Value? {
        let place = lowerBound(key)
        guard place.chunk < chunks.count, chunks[place.chunk][place.offset].key == key else { return nil }
        return chunks[place.chunk][place.offset].value
    }

    /// Sets the value and returns the one that was there.
    @discardableResult
    mutating func updateValue(_ value: Value, for key: [UInt8]) -> Value? {
        let place = insertionPlace(for: key)
        guard place.chunk < chunks.count else {
            chunks.append([(key, value)])
            count += 1
            return nil
        }
        if place.offset < chunks[place.chunk].count, chunks[place.chunk][place.offset].key == key {
            let old = chunks[place.chunk][place.offset].value
            chunks[place.chunk][place.offset].value = value
            return old
        }
        chunks[place.chunk].insert((key, value), at: place.offset)
        count += 1
        splitIfFull(place.chunk)
        return nil
    }

    @discardableResult
    mutating func removeValue(for key: [UInt8]) -> Value? {
        let place = lowerBound(key)
        guard place.chunk < chunks.count, chunks[place.chunk][place.offset].key == key else { return nil }
        let old = chunks[place.chunk].remove(at: place.offset).value
        if chunks[place.chunk].isEmpty { chunks.remove(at: place.chunk) }
        count -= 1
        return old
    }

    /// Removes and returns the entries of a range.
    mutating func removeAll(in range: KeyRange) -> [Entry] {
        var removed: [Entry] = []
        var cursor = cursor(in: range, order: .ascending)
        while let entry = cursor.next() { removed.append(entry) }
        for entry in removed { removeValue(for: entry.key) }
        return removed
    }

    func cursor(in range: KeyRange, order: ScanOrder) -> Cursor {
        guard !range.isEmpty else { return Cursor(chunks: [], place: Place(chunk: 0, offset: 0), range, order) }
        let start = lowerBound(order == .ascending ? range.lower : range.upper)
        return Cursor(chunks: chunks, place: start, range, order)
    }

    /// Walks a range of the map as it was when the cursor was made.
    struct Cursor {
        private let chunks: [[Entry]]
        private var place: Place
        private let range: KeyRange
        private let order: ScanOrder

        fileprivate init(chunks: [[Entry]], place: Place, _ range: KeyRange, _ order: ScanOrder) {
            self.chunks = chunks
            self.place = place
            self.range = range
            self.order = order
        }

        mutating func next() -> Entry? {
            order == .ascending ? ascend() : descend()
        }

        private mutating func ascend() -> Entry? {
            guard place.chunk < chunks.count else { return nil }
            let entry = chunks[place.chunk][place.offset]
            guard entry.key.lexicographicallyPrecedes(range.upper) else { return nil }
            place.offset += 1
            if place.offset == chunks[place.chunk].count { place = Place(chunk: place.chunk + 1, offset: 0) }
            return entry
        }

        /// `place` is one behind the entry to return.
        private mutating func descend() -> Entry? {
            if place.offset == 0 {
                guard place.chunk > 0 else { return nil }
                place = Place(chunk: place.chunk - 1, offset: chunks[place.chunk - 1].count)
            }
            place.offset -= 1
            let entry = chunks[place.chunk][place.offset]
            return entry.key.lexicographicallyPrecedes(range.lower) ? nil : entry
        }
    }

    fileprivate struct Place {
        var chunk: Int
        var offset: Int
    }

    /// The first entry that is not before `key`; behind the last one, the chunk is `chunks.count`.
    private func lowerBound(_ key: [UInt8]) -> Place {
        let place = insertionPlace(for: key)
        guard place.chunk < chunks.count, place.offset == chunks[place.chunk].count else { return place }
        return Place(chunk: place.chunk + 1, offset: 0)
    }

    /// Where `key` is or would be put, preferring the end of a chunk to the start of the next one.
    private func insertionPlace(for key: [UInt8]) -> Place {
        // The last chunk that starts at or before the key; the first one if none does.
        let behind = chunks.partition { key.lexicographicallyPrecedes($0[0].key) }
        let chunk = max(0, behind - 1)
        guard chunk < chunks.count else { return Place(chunk: 0, offset: 0) }
        return Place(chunk: chunk, offset: chunks[chunk].partition { !$0.key.lexicographicallyPrecedes(key) })
    }

    private mutating func splitIfFull(_ chunk: Int) {
        guard chunks[chunk].count > Self.chunkMax else { return }
        let half = chunks[chunk].count / 2
        let tail = Array(chunks[chunk][half...])
        chunks[chunk].removeSubrange(half...)
        chunks.insert(tail, at: chunk + 1)
    }
}

extension Array {
    /// The first index whose element satisfies `isBehind`, given that all after it do as well; else `count`.
    fileprivate func partition(where isBehind: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
