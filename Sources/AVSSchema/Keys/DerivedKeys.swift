public import AVSModel
public import AVSPrimitives
public import AVSStorage

// Rows that repeat what other rows say, so that nobody has to read all of those: counts, and what comes next.

/// All of them.
public enum DerivedRows {
    /// What gives them to a database of an older release.
    public static let migration = MigrationName("20261121-000000-derived-rows")
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
