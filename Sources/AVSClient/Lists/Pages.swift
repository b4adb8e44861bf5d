extension Listing {
    /// The pages of a list, in the order of the walk.
    public struct Pages: AsyncSequence, Sendable {
        public typealias Element = Page<Item>
        public typealias Failure = AggregatorError

        let listing: Listing

        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(listing) }

        /// One page per call; with ``Listing/prefetching()`` the one behind it is on its way already.
        public struct AsyncIterator: AsyncIteratorProtocol {
            private let listing: Listing
            /// nil after the last page.
            private var position: PagePosition?
            private var ahead: PageAhead<Item>?

            init(_ listing: Listing) {
                self.listing = listing
                switch listing.course {
                case .forwards(let position): self.position = position
                case .backwards(let cursor): position = .before(cursor)
                }
            }

            /// - Throws: ``AggregatorError`` when the page cannot be had; the next call asks for it again.
            public mutating func next() async throws(AggregatorError) -> Page<Item>? { try await next(isolation: nil) }

            /// ``next()`` without leaving the caller's actor.
            public mutating func next(
                isolation: isolated (any Actor)?
            ) async throws(AggregatorError) -> Page<Item>? {
                guard let position else { return nil }
                var page: Page<Item>
                if let ahead {
                    self.ahead = nil
                    page = try await ahead.page()
                } else {
                    page = try await listing.fetch(position)
                }
                self.position = try following(page, position)
                if listing.fetchesAhead, let next = self.position { ahead = PageAhead(listing.fetch, next) }
                if case .backwards = listing.course { page.items.reverse() }
                return page
            }

            /// A page that names itself as the next one, or names none, would make us ask for ever.
            private func following(
                _ page: Page<Item>, _ current: PagePosition
            ) throws(AggregatorError) -> PagePosition? {
                let next: PagePosition?
                switch listing.course {
                case .forwards:
                    guard page.hasNext else { return nil }
                    next = page.endCursor.map { .after($0) }
                case .backwards:
                    guard page.hasPrevious else { return nil }
                    next = page.startCursor.map { .before($0) }
                }
                guard let next, next != current, !page.items.isEmpty else {
                    throw .unreadable("the aggregator promises more items and does not say where they begin")
                }
                return next
            }
        }
    }
}

/// A page that is asked for before it is wanted.
final class PageAhead<Item: Sendable>: Sendable {
    /// Ends with the answer, or with us.
    private let task: Task<Result<Page<Item>, AggregatorError>, Never>

    init(_ fetch: @escaping Listing<Item>.Fetch, _ position: PagePosition) {
        task = Task {
            do throws(AggregatorError) {
                return .success(try await fetch(position))
            } catch {
                return .failure(error)
            }
        }
    }

    deinit { task.cancel() }

    func page() async throws(AggregatorError) -> Page<Item> {
        let result = await withTaskCancellationHandler { await task.value } onCancel: { task.cancel() }
        return try result.get()
    }
}
