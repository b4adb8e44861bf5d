import HeapModule

/// Who is to be woken when. A value without a clock.
///
/// Adding and removing take the time of a heap. One that was removed stays in the heap as an empty place; never more
/// than half of the places are empty but for ``emptyMin``.
struct Alarms<Sleeper> {
    private struct Place: Comparable {
        let time: ContinuousClock.Instant
        let id: UInt64

        static func < (left: Place, right: Place) -> Bool { (left.time, left.id) < (right.time, right.id) }
    }

    /// So many empty places are not worth cleaning up.
    static var emptyMin: Int { 64 }

    private var sleepers: [UInt64: Sleeper] = [:]
    private var order = Heap<Place>()

    var count: Int { sleepers.count }
    /// Places in the heap, empty ones too.
    var placeCount: Int { order.count }

    /// - Parameter id: none that is still in.
    mutating func add(_ sleeper: Sleeper, _ id: UInt64, at time: ContinuousClock.Instant) {
        sleepers[id] = sleeper
        order.insert(Place(time: time, id: id))
    }

    mutating func remove(_ id: UInt64) -> Sleeper? {
        guard let sleeper = sleepers.removeValue(forKey: id) else { return nil }
        if order.count > 2 * sleepers.count + Self.emptyMin {
            order = Heap(order.unordered.filter { sleepers[$0.id] != nil })
        }
        return sleeper
    }

    /// Removes those whose time has come, earliest first.
    mutating func takeDue(at now: ContinuousClock.Instant) -> [Sleeper] {
        var due: [Sleeper] = []
        while let place = order.min, place.time <= now {
            order.removeMin()
            if let sleeper = sleepers.removeValue(forKey: place.id) { due.append(sleeper) }
        }
        return due
    }

    /// When the next one is due; nil if there is none.
    mutating func nextTime() -> ContinuousClock.Instant? {
        while let place = order.min {
            if sleepers[place.id] != nil { return place.time }
            order.removeMin()
        }
        return nil
    }
}
