public import AVSModel
public import AVSPrimitives
public import AVSStorage

/// How some runs ended. Sums stop at their largest value: rows may be damaged, and nobody runs that often.
public struct RunTally: Hashable, Sendable {
    public var total: UInt64 = 0
    /// Those that ended with success; every other end is a failure.
    public var succeeded: UInt64 = 0
    /// Of all runs together, from start to end.
    public var milliseconds: UInt64 = 0

    public init(total: UInt64 = 0, succeeded: UInt64 = 0, milliseconds: UInt64 = 0) {
        self.total = total
        self.succeeded = succeeded
        self.milliseconds = milliseconds
    }

    public static func += (tally: inout RunTally, other: RunTally) {
        tally.total = tally.total.saturating(adding: other.total)
        tally.succeeded = tally.succeeded.saturating(adding: other.succeeded)
        tally.milliseconds = tally.milliseconds.saturating(adding: other.milliseconds)
    }

    static func -= (tally: inout RunTally, other: RunTally) {
        tally.total -= min(tally.total, other.total)
        tally.succeeded -= min(tally.succeeded, other.succeeded)
        tally.milliseconds -= min(tally.milliseconds, other.milliseconds)
    }
}

/// What statistics know of one recorded run.
public struct CountedRun: Hashable, Sendable {
    /// The day on which it began, since 1970-01-01 in UTC.
    public var day: UInt64
    /// When it began, since the day did: under 86,400,000.
    public var millisecondOfDay: UInt64
    public var tally: RunTally

    public init(startAt: Timestamp, endAt: Timestamp?, status: ExecutionStatus) {
        (day, millisecondOfDay) = ExecutionDay.place(of: startAt)
        tally = RunTally(total: 1, succeeded: status == .success ? 1 : 0)
        guard let endAt, endAt > startAt else { return }
        let (length, overflow) = endAt.milliseconds.subtractingReportingOverflow(startAt.milliseconds)
        tally.milliseconds = overflow ? 0 : UInt64(length)
    }

    public init(_ execution: Execution) {
        self.init(startAt: execution.startAt, endAt: execution.endAt, status: execution.status)
    }

    /// - Parameter record: as it is stored.
    /// - Returns: `nil` for a record that cannot be read: it counts for nothing.
    public init?(record: [UInt8]) {
        do { self.init(try Execution(stored: record)) } catch { return nil }
    }
}

/// The recorded runs that began on one day, of one task or of all tasks of an owner.
///
/// They are kept in slots by the moment at which they began, so that a window may begin within the day. A slot is a
/// millisecond wide; once there would be more than 64 of those the row goes over to quarters of an hour, and stays with
/// them until it is empty. So a row has at most 96 slots and is smaller than 4 KiB however many runs there are.
///
/// Stored as the width of a slot in milliseconds, then for each slot, in order, its number, how many runs, how many of
/// them succeeded, and their milliseconds together: `1,36915000 1 1 20,37000042 1 0 5`.
public struct ExecutionDay: StoreValue, Hashable {
    public static let milliseconds: UInt64 = 86_400_000
    /// Slots of one millisecond in one row.
    public static let exactSlotsMax = 64

    private enum Width: UInt64 {
        case millisecond = 1
        case quarter = 900_000
    }

    private var width = Width.millisecond
    private var slots: [UInt64: RunTally] = [:]

    public init() {}

    public var isEmpty: Bool { slots.isEmpty }

    /// Whether it knows only the quarter of an hour in which each run began.
    public var isRounded: Bool { width == .quarter }

    /// The day of a moment, and its millisecond of that day. What lies before 1970 counts as its first moment.
    public static func place(of moment: Timestamp) -> (day: UInt64, millisecond: UInt64) {
        let (day, millisecond) = UInt64(max(0, moment.milliseconds)).quotientAndRemainder(dividingBy: milliseconds)
        return (day, millisecond)
    }

    /// All that began at this millisecond of the day or later, or in the same quarter of an hour if only that is known.
    public func tally(from millisecond: UInt64 = 0) -> RunTally {
        let first = millisecond / width.rawValue
        var sum = RunTally()
        for (slot, tally) in slots where slot >= first { sum += tally }
        return sum
    }

    // MARK: Changes

    public mutating func add(_ run: CountedRun) { add(run.tally, at: run.millisecondOfDay) }

    /// Takes back what ``add(_:)`` added.
    public mutating func remove(_ run: CountedRun) { remove(run.tally, at: run.millisecondOfDay) }

    /// Adds the runs of another row for the same day.
    public mutating func add(_ other: ExecutionDay) {
        if other.isRounded { round() }
        for (slot, tally) in other.slots { add(tally, at: slot * other.width.rawValue) }
    }

    /// Takes back what ``add(_:)`` added.
    public mutating func remove(_ other: ExecutionDay) {
        if other.isRounded { round() }
        for (slot, tally) in other.slots { remove(tally, at: slot * other.width.rawValue) }
    }

    private mutating func add(_ tally: RunTally, at millisecond: UInt64) {
        slots[millisecond / width.rawValue, default: RunTally()] += tally
        if slots.count > Self.exactSlotsMax { round() }
    }

    private mutating func remove(_ tally: RunTally, at millisecond: UInt64) {
        let slot = millisecond / width.rawValue
        guard var left = slots[slot] else { return }
        left -= tally
        slots[slot] = left.total == 0 ? nil : left
    }

    private mutating func round() {
        guard width == .millisecond else { return }
        let exact = slots
        (width, slots) = (.quarter, [:])
        for (millisecond, tally) in exact { slots[millisecond / width.rawValue, default: RunTally()] += tally }
    }

    /// Whether a count of all records comes to this row. It may be rounded because of runs that are gone.
    public func agrees(with recount: ExecutionDay) -> Bool {
        var recount = recount
        if isRounded { recount.round() }
        return self == recount
    }

    // MARK: Storage

    public init(stored: [UInt8]) throws {
        let parts = stored.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { Array($0) }
        guard let width = Width(rawValue: try DecimalText(stored: parts[0]).value) else {
            throw MalformedValue("\(StorageError.printable(parts[0])) is no width of a slot")
        }
        self.width = width
        var next: UInt64 = 0
        for part in parts.dropFirst() {
            let numbers = try part.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
                .map { try DecimalText(stored: Array($0)).value }
            guard numbers.count == 4, numbers[0] >= next, numbers[0] < Self.milliseconds / width.rawValue,
                numbers[1] > 0, numbers[2] <= numbers[1]
            else { throw MalformedValue("\(StorageError.printable(part)) is no slot of a day, or not in order") }
            slots[numbers[0]] = RunTally(total: numbers[1], succeeded: numbers[2], milliseconds: numbers[3])
            next = numbers[0] + 1
        }
        guard !slots.isEmpty, isRounded || slots.count <= Self.exactSlotsMax else {
            throw MalformedValue("a day has \(slots.count) slots of \(width.rawValue) ms")
        }
    }

    public var stored: [UInt8] {
        let parts = slots.sorted { $0.key < $1.key }.map { slot, tally in
            "\(slot) \(tally.total) \(tally.succeeded) \(tally.milliseconds)"
        }
        return Array(([String(width.rawValue)] + parts).joined(separator: ",").utf8)
    }
}

extension UInt64 {
    fileprivate func saturating(adding other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
