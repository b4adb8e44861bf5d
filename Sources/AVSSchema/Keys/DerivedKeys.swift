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

/// The name of something that is done once to a database: `YYYYMMDD-HHMMSS-<what>` (aggregator-api 4.11).
public struct MigrationName: KeyPart, CustomStringConvertible {
    public static let keyPartLength: Int? = nil

    public let description: String

    /// - Returns: `nil` for other than 1 to 100 characters out of `a-z`, `0-9` and `-`.
    public init?(_ text: String) {
        let isAllowed = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
            default: false
            }
        }
        guard isAllowed, (1...100).contains(text.utf8.count) else { return nil }
        description = text
    }

    public init?(keyPart: [UInt8]) {
        guard let text = String(validating: keyPart, as: UTF8.self) else { return nil }
        self.init(text)
    }

    public var keyPart: [UInt8] { Array(description.utf8) }
}

public struct MigrationKey: StoreKey {
    /// `records=<n>,ts=<ms>`.
    public typealias Value = String
    public static let table = Table.migration
    public var name: MigrationName

    public init(_ name: MigrationName) { self.name = name }
    public func encode(into key: inout KeyEncoder) { key.append(name) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { name = try key.read() }
}
