import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto

/// The opaque position in a list that clients pass around.
///
/// Standard base64 with padding of the compact JSON `{"d":"next","p":"<position>"}`; for an id the text is exactly 60
/// characters, which existing clients assert. The direction inside is always `next`; which field carries it decides.
/// - Source: aggregator-api 2.4.
enum Cursor {
    static func text(of id: ULID) -> String { text(ofPosition: id.description) }

    /// - Parameter position: without a character that JSON would escape.
    static func text(ofPosition position: String) -> String {
        Base64.encode(Array("{\"d\":\"next\",\"p\":\"\(position)\"}".utf8))
    }

    /// - Returns: `nil` for the position `0`, which stands for no cursor.
    static func position(_ text: String) throws(InvalidArgument) -> ULID? {
        let position = try positionText(text)
        if position == "0" { return nil }
        guard let id = ULID(anyCase: position) else { throw refusal }
        return id
    }

    /// What the cursor holds, whatever kind of list it is of.
    static func positionText(_ text: String) throws(InvalidArgument) -> String {
        guard text.utf8.count <= 1_024, let bytes = Base64.decode(text), let position = content(bytes) else {
            throw refusal
        }
        return position
    }

    private static func content(_ bytes: [UInt8]) -> String? {
        do throws(JSONError) {
            return try JSONValue(parsing: bytes, maximumDepth: 2, duplicateKeys: .refuse)["p"]?.stringValue
        } catch {
            return nil
        }
    }

    static let refusal = InvalidArgument(
        .invalidRequest,
        "Invalid pagination cursor. Please retry without pagination parameters or use a fresh cursor from a recent response."
    )
}

extension PageRequest {
    /// The page that a list request asks for.
    /// - Throws: ``InvalidArgument`` for a bad cursor or a negative limit.
    init(before: String, after: String, limit: Int64, limits: EngineLimits) throws(InvalidArgument) {
        let position: Position
        if !after.isEmpty {
            position = try Cursor.position(after).map(Position.after) ?? .newest
        } else if !before.isEmpty {
            position = try Cursor.position(before).map(Position.before) ?? .newest
        } else {
            position = .newest
        }
        self.init(position: position, limit: try limits.rows(of: limit))
    }
}

extension EngineLimits {
    /// How many rows a page has whose caller asked for `limit`; 0 asks for the default.
    func rows(of limit: Int64) throws(InvalidArgument) -> Int {
        guard limit >= 0 else { throw InvalidArgument(.invalidRequest, "item per page is not valid") }
        return limit == 0 ? defaultRowsPerPage : Int(clamping: min(limit, Int64(rowsPerPage)))
    }
}

extension Wire.PageInfo {
    init<Row>(_ page: Page<Row>, id: (Row) -> ULID) {
        self.init()
        startCursor = page.rows.first.map { Cursor.text(of: id($0)) } ?? ""
        endCursor = page.rows.last.map { Cursor.text(of: id($0)) } ?? ""
        hasPreviousPage = page.hasPrevious
        hasNextPage = page.hasNext
    }
}

/// One element of a list answer, serialized as it is recorded.
struct SplicedItem: Sendable {
    /// What the page's cursors name.
    var id: ULID
    var message: [UInt8]
}

extension Page<SplicedItem> {
    /// The number of the field `items` in every list answer of the schema: the first.
    private static var itemsField: UInt32 { 1 }

    /// A list answer as bytes: the items as they are, and behind them `rest`, which has none.
    func answer(_ rest: some ProtoMessage) -> [UInt8] {
        let rest = rest.serialized()
        var output: [UInt8] = []
        output.reserveCapacity(rows.reduce(rest.count) { $0 + $1.message.count + 10 })
        for row in rows { WireSplice.append(field: Self.itemsField, row.message, to: &output) }
        return output + rest
    }
}

extension Page {
    /// As many rows as fit into one answer (D-26): the rest is behind the cursor of the last.
    ///
    /// - Parameter size: bytes of a row's message.
    func cut(to limitBytes: Int, isForward: Bool, size: (Row) -> Int) -> Page {
        var used = 0
        var count = 0
        for row in isForward ? rows : rows.reversed() {
            used += size(row) + 6  // with the field's tag and length
            guard used <= limitBytes || count == 0 else { break }  // one row is always answered
            count += 1
        }
        guard count < rows.count else { return self }
        return isForward
            ? Page(rows: Array(rows.prefix(count)), hasPrevious: hasPrevious, hasNext: true)
            : Page(rows: Array(rows.suffix(count)), hasPrevious: true, hasNext: hasNext)
    }
}
