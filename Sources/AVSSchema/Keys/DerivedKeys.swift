public import AVSModel
public import AVSPrimitives
public import AVSStorage

// Rows that repeat what other rows say, so that nobody has to read all of those: counts, and what comes next.

/// All of them.
public enum DerivedRows {
    /// What gives them to a database of an older release, all but the days.
    public static let migration = MigrationName("20261121-000000-derived-rows")
    /// What gives it ``ExecutionDay``s.
    public static let daysMigration = MigrationName("20261122-000000-execution-days")
}

public struct TaskCountKey: StoreKey {
    public typealias Value = DecimalText
    public static let table = Table.taskCount
    public var owner: Address
    public var wallet: Address
    public var status: TaskStatus

    public init(owner: Address, wallet: Address, status: TaskStatus) {
        self.owner = owner
        self.wallet = wallet
        self.status = status
    }

    init(_ task: AutomationTask) { self.init(owner: task.owner, wallet: task.wallet, status: task.status) }

    public func encode(into key: inout KeyEncoder) {
        key.append(owner)
        key.append(wallet)
        key.append(status)
    }

    public init(decoding key: inout KeyDecoder) throws(StorageError) {
        owner = try key.read()
        wallet = try key.read()
        status = try key.read()
    }
}

public struct ExecutionCountKey: StoreKey {
    public typealias Value = DecimalText
    public static let table = Table.executionCount
    public var task: TaskID

    public init(_ task: TaskID) { self.task = task }
    public func encode(into key: inout KeyEncoder) { key.append(task) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { task = try key.read() }
}

public struct ExecutionCountOfOwnerKey: StoreKey {
    public typealias Value = DecimalText
    public static let table = Table.executionCountOfOwner
    public var owner: Address

    public init(_ owner: Address) { self.owner = owner }
    public func encode(into key: inout KeyEncoder) { key.append(owner) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { owner = try key.read() }
}

/// A key that ends with a day of recorded runs.
public protocol DayKey: StoreKey where Value == ExecutionDay {
    /// Since 1970-01-01, in UTC.
    var day: UInt64 { get }
}

public struct ExecutionDayKey: DayKey {
    public typealias Value = ExecutionDay
    public static let table = Table.executionDay
    public var task: TaskID
    public var day: UInt64

    public init(_ task: TaskID, day: UInt64) {
        self.task = task
        self.day = day
    }

    public func encode(into key: inout KeyEncoder) {
        key.append(task)
        key.append(day)
    }

    public init(decoding key: inout KeyDecoder) throws(StorageError) {
        task = try key.read()
        day = try key.read()
    }
}

public struct ExecutionDayOfOwnerKey: DayKey {
    public typealias Value = ExecutionDay
    public static let table = Table.executionDayOfOwner
    public var owner: Address
    public var day: UInt64

    public init(_ owner: Address, day: UInt64) {
        self.owner = owner
        self.day = day
    }

    public func encode(into key: inout KeyEncoder) {
        key.append(owner)
        key.append(day)
    }

    public init(decoding key: inout KeyDecoder) throws(StorageError) {
        owner = try key.read()
        day = try key.read()
    }
}

public struct ExpiryKey: StoreKey {
    /// Empty.
    public typealias Value = [UInt8]
    public static let table = Table.expiry
    public var milliseconds: UInt64
    public var task: TaskID

    /// - Returns: `nil` for a task that the passing of time does not change.
    public init?(_ task: AutomationTask) {
        guard task.status == .enabled, let expiredAt = task.expiredAt else { return nil }
        milliseconds = UInt64(clamping: expiredAt.milliseconds)
        self.task = task.id
    }

    public func encode(into key: inout KeyEncoder) {
        key.append(milliseconds)
        key.append(task)
    }

    public init(decoding key: inout KeyDecoder) throws(StorageError) {
        milliseconds = try key.read()
        task = try key.read()
    }
}

public struct PromiseKey: StoreKey {
    /// Empty.
    public typealias Value = [UInt8]
    public static let table = Table.promise
    public var run: RunOfTask

    public init(_ task: TaskID, _ execution: ExecutionID) { run = RunOfTask(task, execution) }
    public func encode(into key: inout KeyEncoder) { run.encode(into: &key) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { run = try RunOfTask(decoding: &key) }
}
