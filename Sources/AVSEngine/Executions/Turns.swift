/// Elements in the order in which they came, each at most once.
///
/// Adding, removing and taking the first cost the same however many there are: the queue may hold 100,000 owners.
struct Turns<Element: Hashable & Sendable>: Sendable {
    private struct Neighbours {
        var before: Element?
        var after: Element?
    }

    private var neighbours: [Element: Neighbours] = [:]
    private(set) var first: Element?
    private var last: Element?

    var isEmpty: Bool { first == nil }

    /// Puts it behind all others, unless it is there already.
    mutating func append(_ element: Element) {
        guard neighbours[element] == nil else { return }
        neighbours[element] = Neighbours(before: last)
        if let last { neighbours[last]?.after = element } else { first = element }
        last = element
    }

    /// Does nothing if it is not there.
    mutating func remove(_ element: Element) {
        guard let gone = neighbours.removeValue(forKey: element) else { return }
        if let before = gone.before { neighbours[before]?.after = gone.after } else { first = gone.after }
        if let after = gone.after { neighbours[after]?.before = gone.before } else { last = gone.before }
    }

    /// The first one that is fit.
    func first(where isFit: (Element) -> Bool) -> Element? {
        var next = first
        while let element = next, !isFit(element) { next = neighbours[element]?.after }
        return next
    }
}
