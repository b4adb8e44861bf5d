/// A place in a list, as the aggregator wrote it. Opaque; good for as long as the list's order, deleted items included.
public struct Cursor: Hashable, Sendable, CustomStringConvertible {
    /// What goes over the wire.
    public let text: String

    /// A cursor that was kept as text.
    public init(_ text: String) { self.text = text }

    public var description: String { text }
}

/// Some items of a list in its order, and where they lie in it.
public struct Page<Item: Sendable>: Sendable {
    /// At most as many as were asked for.
    public var items: [Item]
    /// Of the first item; nil on an empty page.
    public var startCursor: Cursor?
    /// Of the last item; nil on an empty page.
    public var endCursor: Cursor?
    /// Whether there are items before these.
    public var hasPrevious: Bool
    /// Whether there are items behind these.
    public var hasNext: Bool

    public init(
        items: [Item], startCursor: Cursor? = nil, endCursor: Cursor? = nil, hasPrevious: Bool = false,
        hasNext: Bool = false
    ) {
        self.items = items
        self.startCursor = startCursor
        self.endCursor = endCursor
        self.hasPrevious = hasPrevious
        self.hasNext = hasNext
    }
}

/// Which page of a list.
public enum PagePosition: Hashable, Sendable {
    /// The beginning of the list.
    case first
    /// The items behind the cursor's.
    case after(Cursor)
    /// The items next to the cursor's that lie before it.
    case before(Cursor)
}
