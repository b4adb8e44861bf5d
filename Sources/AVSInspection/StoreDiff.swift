public import AVSStorage

/// The rows in which two databases differ: what a backup lacks, what a recovery lost, what a repair changed.
///
/// The store's own rows are left out. Both are read once, side by side in the order of their keys, in turns of bounded
/// rows and bytes (KEY-4).
public struct StoreDiff {
    /// One row that is not the same in both.
    public enum Difference: Hashable, Sendable {
        case onlyFirst(key: [UInt8])
        case onlySecond(key: [UInt8])
        /// In both, with another value.
        case changed(key: [UInt8])

        public var key: [UInt8] {
            switch self {
            case .onlyFirst(let key), .onlySecond(let key), .changed(let key): key
            }
        }
    }

    /// Reads a turn: calls the body for each row of the range in ascending order, at most so many times.
    public typealias Turn = (
        _ range: KeyRange, _ limit: Int, _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> ScanControl
    ) throws -> ScanEnd

    /// Rows that are the same in both, so far.
    public private(set) var same = 0
    public private(set) var onlyFirst = 0
    public private(set) var onlySecond = 0
    public private(set) var changed = 0
    public var isEmpty: Bool { onlyFirst + onlySecond + changed == 0 }

    private var first: Side
    private var second: Side

    /// - Parameter range: what is compared; the rest of both is not looked at.
    public init(_ range: KeyRange, first: @escaping Turn, second: @escaping Turn) {
        self.first = Side(range: range, turn: first)
        self.second = Side(range: range, turn: second)
    }

    /// The next difference in the order of keys; nil at the end.
    ///
    /// - Throws: what the turns throw.
    public mutating func next() throws -> Difference? {
        while true {
            switch (try first.peek(), try second.peek()) {
            case (nil, nil):
                return nil
            case (let one?, let two?) where one.key == two.key:
                first.advance()
                second.advance()
                if one.value == two.value {
                    same += 1
                    continue
                }
                changed += 1
                return .changed(key: one.key)
            case (let one?, let two):
                if let two, two.key.lexicographicallyPrecedes(one.key) { return takeSecond(two.key) }
                first.advance()
                onlyFirst += 1
                return .onlyFirst(key: one.key)
            case (nil, let two?):
                return takeSecond(two.key)
            }
        }
    }

    private mutating func takeSecond(_ key: [UInt8]) -> Difference {
        second.advance()
        onlySecond += 1
        return .onlySecond(key: key)
    }
}

extension StoreDiff {
    /// One database: the rows of the present turn, and where the next one begins.
    private struct Side {
        private typealias Row = (key: [UInt8], value: [UInt8])

        private static let turnRowsMax = 1_000
        /// A turn ends with the row that passes this: two turns are held at a time.
        private static let turnBytesMax = 8 << 20

        private var range: KeyRange
        private let turn: Turn
        private var rows: [Row] = []
        private var position = 0
        private var isAtEnd = false

        init(range: KeyRange, turn: @escaping Turn) {
            self.range = range
            self.turn = turn
        }

        mutating func peek() throws -> (key: [UInt8], value: [UInt8])? {
            while position == rows.count, !isAtEnd { try readTurn() }
            return position < rows.count ? rows[position] : nil
        }

        mutating func advance() { position += 1 }

        private mutating func readTurn() throws {
            var read: [Row] = []
            var last: [UInt8]?
            var bytes = 0
            let end = try turn(range, Self.turnRowsMax) { key, value in
                last = key
                // The store's own rows count commits and starts: they are never the same.
                if key.starts(with: StoreMeta.table.prefix.utf8) { return .next }
                read.append((key, value))
                bytes += key.count + value.count
                return bytes < Self.turnBytesMax ? .next : .stop
            }
            isAtEnd = end == .exhausted
            if let last { range = range.after(last) }
            (rows, position) = (read, 0)
        }
    }
}
