public import AVSPrimitives

/// Which rows of a list a caller wants. Lists run from the newest id to the oldest.
///
/// - Source: aggregator-api 2.4.
public struct PageRequest: Hashable, Sendable {
    public enum Position: Hashable, Sendable {
        case newest
        /// Strictly older than the id, the newest of those first.
        case after(ULID)
        /// Strictly newer than the id, the ones nearest to it, still the newest first.
        case before(ULID)
    }

    public var position: Position
    /// At least 1.
    public var limit: Int

    public init(position: Position = .newest, limit: Int) {
        self.position = position
        self.limit = limit
    }
}

/// Some rows of a list, and whether there are more on either side.
public struct Page<Row: Sendable>: Sendable {
    public var rows: [Row]
    public var hasPrevious: Bool
    public var hasNext: Bool

    public init(rows: [Row], hasPrevious: Bool, hasNext: Bool) {
        self.rows = rows
        self.hasPrevious = hasPrevious
        self.hasNext = hasNext
    }

    /// The same page with something made of each row.
    public func map<Other: Sendable>(_ make: (Row) throws -> Other) rethrows -> Page<Other> {
        Page<Other>(rows: try rows.map(make), hasPrevious: hasPrevious, hasNext: hasNext)
    }

    static var empty: Page { Page(rows: [], hasPrevious: false, hasNext: false) }

    /// The page made of the first `limit` rows of `found`, which holds one more when there is more.
    /// - Parameter found: in the order of the scan: newest first, or nearest first for
    ///   ``PageRequest/Position/before(_:)``.
    init(found: [Row], for request: PageRequest) {
        self.init(
            found: found, limit: request.limit, isForward: request.isForward, hasCursor: request.position != .newest)
    }

    /// - Parameters:
    ///   - found: in the order of the scan: from the page's position on, one more than `limit` when there is more.
    ///   - hasCursor: whether the page's position was a row's.
    init(found: [Row], limit: Int, isForward: Bool, hasCursor: Bool) {
        let hasMore = found.count > limit
        let rows = Array(found.prefix(limit))
        guard !rows.isEmpty else {
            self = .empty
            return
        }
        if isForward {
            self.init(rows: rows, hasPrevious: hasCursor, hasNext: hasMore)
        } else {
            self.init(rows: rows.reversed(), hasPrevious: hasMore, hasNext: true)
        }
    }
}
