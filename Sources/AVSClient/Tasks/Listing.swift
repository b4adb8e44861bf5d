import AVSRPC

/// A place in a list, as the aggregator wrote it. Opaque; good for as long as the list's order, deleted items included.
public struct Cursor: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    public init(_ text: String) { self.text = text }

    public var description: String { text }
}

/// Some items of a list, newest first, and where they lie in it.
public struct Page<Item: Sendable>: Sendable {
    public var items: [Item]
    /// Of the first item; nil on an empty page.
    public var startCursor: Cursor?
    /// Of the last item; nil on an empty page.
    public var endCursor: Cursor?
    /// Whether there are newer items.
    public var hasPrevious: Bool
    /// Whether there are older items.
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
    /// The newest items.
    case first
    /// Items older than the cursor's.
    case after(Cursor)
    /// The items next to the cursor's that are newer.
    case before(Cursor)
}

/// A list at the aggregator, newest first. Nothing is asked for before it is wanted, and then a page at a time.
///
///     for try await task in client.listTasks(of: [wallet]) { … }
///     let page = try await client.listTasks(of: [wallet]).page(.after(cursor))
///
/// An item that is created while the list is read comes in front of what was read and is not seen.
public struct Listing<Item: Sendable>: AsyncSequence, Sendable {
    /// Items that are asked for at once when nothing else is said: what the aggregator takes for "no limit given".
    public static var defaultPageSize: Int { 50 }

    private let fetch: @Sendable (PagePosition) async throws -> Page<Item>

    init(fetch: @escaping @Sendable (PagePosition) async throws -> Page<Item>) { self.fetch = fetch }

    /// One page.
    ///
    /// - Throws: ``ClientError``; INVALID_ARGUMENT for a cursor that is none.
    public func page(_ position: PagePosition = .first) async throws -> Page<Item> { try await fetch(position) }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(listing: self) }

    /// Asks for the next page when the last one is used up.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let listing: Listing
        private var items: ArraySlice<Item> = []
        /// nil after the last page.
        private var next: PagePosition? = .first

        fileprivate init(listing: Listing) { self.listing = listing }

        /// - Throws: ``ClientError`` when a page cannot be had, or INTERNAL for pages that lead nowhere.
        public mutating func next() async throws -> Item? {
            while items.isEmpty, let position = next {
                let page = try await listing.fetch(position)
                next = try Self.position(after: page, at: position)
                items = page.items[...]
            }
            return items.popFirst()
        }

        /// A page that names itself as the next one, or names none, would make us ask for ever.
        private static func position(after page: Page<Item>, at current: PagePosition) throws -> PagePosition? {
            guard page.hasNext else { return nil }
            guard !page.items.isEmpty, let end = page.endCursor, current != .after(end) else {
                throw ClientError(.internal, "the aggregator promises more items and does not say where they begin")
            }
            return .after(end)
        }
    }
}
