import AVSProto

extension PagePosition {
    /// The fields `after` and `before` of a request.
    var fields: (after: String, before: String) {
        switch self {
        case .first: ("", "")
        case .after(let cursor): (cursor.text, "")
        case .before(let cursor): ("", cursor.text)
        }
    }
}

extension Page {
    /// An answer without page information is a whole list.
    init(_ items: [Item], _ wire: Wire.PageInfo?) {
        self.init(
            items: items, startCursor: wire.flatMap { $0.startCursor.isEmpty ? nil : Cursor($0.startCursor) },
            endCursor: wire.flatMap { $0.endCursor.isEmpty ? nil : Cursor($0.endCursor) },
            hasPrevious: wire?.hasPreviousPage ?? false, hasNext: wire?.hasNextPage ?? false)
    }
}
