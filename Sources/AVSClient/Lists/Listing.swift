/// A list at the aggregator. Nothing is asked for before it is wanted, and then a page at a time.
///
///     for try await task in client.tasks(of: [wallet]) { … }
///     for try await task in client.tasks(of: [wallet]).backwards(from: cursor).prefetching() { … }
///     let page = try await client.tasks(of: [wallet]).page(.after(cursor))
///
/// Tasks and executions come newest first, secrets by name. An item that is created while the list is read comes in
/// front of what was read and is not seen; one that is deleted is left out.
public struct Listing<Item: Sendable>: AsyncSequence, Sendable {
    public typealias Element = Item
    public typealias Failure = AggregatorError

    typealias Fetch = @Sendable (PagePosition) async throws(AggregatorError) -> Page<Item>

    /// Items that are asked for at once when nothing else is said: what the aggregator takes for "no limit given".
    public static var defaultPageSize: Int { 50 }

    /// The order that the walk goes in, and where it begins.
    enum Course: Hashable, Sendable {
        case forwards(PagePosition)
        /// Against the list's order, beginning next to the cursor.
        case backwards(Cursor)
    }

    let fetch: Fetch
    private(set) var course = Course.forwards(.first)
    private(set) var fetchesAhead = false

    init(fetch: @escaping Fetch) { self.fetch = fetch }

    /// One page, with its items in the list's order whichever way the walk goes.
    ///
    /// - Throws: ``AggregatorError/invalidArgument(field:_:)`` for a cursor that is none.
    public func page(_ position: PagePosition = .first) async throws(AggregatorError) -> Page<Item> {
        try await fetch(position)
    }

    /// The part of the list behind a cursor: what ``Page/endCursor`` of an earlier page leaves to be read.
    public func forwards(from cursor: Cursor) -> Listing { with { $0.course = .forwards(.after(cursor)) } }

    /// The part of the list before a cursor, walked towards the beginning: the item next to the cursor comes first.
    ///
    /// With the cursor of the first item that is known, these are the items that have come since, in the order in which
    /// they came.
    public func backwards(from cursor: Cursor) -> Listing { with { $0.course = .backwards(cursor) } }

    /// The same list, which asks for one page more than has been used up while the items of the last are worked on. The
    /// request ends with the iterator.
    public func prefetching() -> Listing { with { $0.fetchesAhead = true } }

    /// The pages of the walk instead of their items. The items of a page come in the order of the walk; only the last
    /// page can be empty.
    public var pages: Pages { Pages(listing: self) }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pages: pages.makeAsyncIterator()) }

    private func with(_ change: (inout Listing) -> Void) -> Listing {
        var listing = self
        change(&listing)
        return listing
    }

    /// Asks for the next page when the last one is used up.
    ///
    /// An error does not end the walk: the next call asks for the same page again.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private var pages: Pages.AsyncIterator
        private var items: ArraySlice<Item> = []

        fileprivate init(pages: Pages.AsyncIterator) { self.pages = pages }

        /// - Throws: ``AggregatorError`` when a page cannot be had, or
        ///   ``AggregatorError/unreadable(_:)`` for pages that lead nowhere.
        public mutating func next() async throws(AggregatorError) -> Item? { try await next(isolation: nil) }

        /// ``next()`` without leaving the caller's actor.
        public mutating func next(isolation: isolated (any Actor)?) async throws(AggregatorError) -> Item? {
            while items.isEmpty {
                guard let page = try await pages.next(isolation: isolation) else { return nil }
                items = page.items[...]
            }
            return items.popFirst()
        }
    }
}
