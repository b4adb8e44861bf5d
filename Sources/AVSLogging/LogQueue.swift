import Logging

/// Lines that wait for the output, in their order, at most so many: when it is full the lowest level gives way.
struct LogQueue {
    private struct Line {
        var number: UInt64
        var bytes: [UInt8]
    }

    private let limit: Int
    /// By level from the lowest; within one in order. Taken lines leave a gap at the front until it is worth closing.
    private var lanes = [Lane](repeating: Lane(), count: Logger.Level.allCases.count)
    private var nextNumber: UInt64 = 0
    private(set) var count = 0
    /// Lines that were given up since somebody asked.
    private var droppedCount = 0

    init(limit: Int) { self.limit = limit }

    private struct Lane {
        private var lines: [Line] = []
        private var start = 0

        var first: Line? { start < lines.count ? lines[start] : nil }

        mutating func append(_ line: Line) { lines.append(line) }

        mutating func removeFirst() {
            start += 1
            guard start > 64, start * 2 > lines.count else { return }
            lines.removeFirst(start)
            start = 0
        }
    }

    /// A line of the lowest level there is, this one included, gives way when the queue is full: the oldest of it.
    mutating func append(_ bytes: [UInt8], level: Logger.Level) {
        let lane = Self.lane(level)
        if count >= limit {
            droppedCount += 1
            guard let lowest = lanes.indices.first(where: { lanes[$0].first != nil }), lowest <= lane else { return }
            lanes[lowest].removeFirst()
            count -= 1
        }
        lanes[lane].append(Line(number: nextNumber, bytes: bytes))
        nextNumber += 1
        count += 1
    }

    /// The oldest line.
    mutating func popFirst() -> [UInt8]? {
        var oldest: (lane: Int, line: Line)?
        for index in lanes.indices {
            guard let line = lanes[index].first, line.number < oldest?.line.number ?? .max else { continue }
            oldest = (index, line)
        }
        guard let oldest else { return nil }
        lanes[oldest.lane].removeFirst()
        count -= 1
        return oldest.line.bytes
    }

    /// How many lines were given up since the last call.
    mutating func takeDroppedCount() -> Int {
        defer { droppedCount = 0 }
        return droppedCount
    }

    private static func lane(_ level: Logger.Level) -> Int {
        Logger.Level.allCases.firstIndex(of: level) ?? 0
    }
}
