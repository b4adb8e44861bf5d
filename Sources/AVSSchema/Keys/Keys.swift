public import AVSModel
public import AVSPrimitives
public import AVSStorage

public struct WalletKey: StoreKey {
    public typealias Value = SmartWallet
    public static let table = Table.wallet
    public var owner: Address
    public var wallet: Address

    public init(owner: Address, wallet: Address) {
        self.owner = owner
        self.wallet = wallet
    }

    public func encode(into key: inout KeyEncoder) {
        key.append(owner)
        key.append(wallet)
    }

    public init(decoding key: inout KeyDecoder) throws(StorageError) {
        owner = try key.read()
        wallet = try key.read()
    }
}

public struct WalletSaltKey: StoreKey {
    public typealias Value = Address
    public static let table = Table.walletBySalt
    public var owner: Address
    public var factory: Address
    public var salt: UInt256

    public init(owner: Address, factory: Address, salt: UInt256) {
        self.owner = owner
        self.factory = factory
        self.salt = salt
    }

    public func encode(into key: inout KeyEncoder) {
        key.append(owner)
        key.append(factory)
        key.append(SaltPart(salt))
    }

    public init(decoding key: inout KeyDecoder) throws(StorageError) {
        owner = try key.read()
        factory = try key.read()
        salt = try key.read(SaltPart.self).salt
    }
}

public struct TaskKey: StoreKey {
    public typealias Value = AutomationTask
    public static let table = Table.task
    public var status: TaskStatus
    public var id: TaskID

    public init(status: TaskStatus, id: TaskID) {
        self.status = status
        self.id = id
    }

    public func encode(into key: inout KeyEncoder) {
        key.append(status)
        key.append(id)
    }

    public init(decoding key: inout KeyDecoder) throws(StorageError) {
        status = try key.read()
        id = try key.read()
    }
}

public struct TaskByOwnerKey: StoreKey {
    public typealias Value = TaskStatus
    public static let table = Table.taskByOwner
    public var owner: Address
    public var wallet: Address
    public var id: TaskID

    public init(owner: Address, wallet: Address, id: TaskID) {
        self.owner = owner
        self.wallet = wallet
        self.id = id
    }

    public func encode(into key: inout KeyEncoder) {
        key.append(owner)
        key.append(wallet)
        key.append(id)
    }

    public init(decoding key: inout KeyDecoder) throws(StorageError) {
        owner = try key.read()
        wallet = try key.read()
        id = try key.read()
    }
}

/// The two parts that name one run: shared by three tables.
public struct RunOfTask: Hashable, Sendable {
    public var task: TaskID
    public var execution: ExecutionID

    public init(_ task: TaskID, _ execution: ExecutionID) {
        self.task = task
        self.execution = execution
    }

    func encode(into key: inout KeyEncoder) {
        key.append(task)
        key.append(execution)
    }

    init(decoding key: inout KeyDecoder) throws(StorageError) {
        task = try key.read()
        execution = try key.read()
    }
}

public struct HistoryKey: StoreKey {
    public typealias Value = Execution
    public static let table = Table.history
    public var run: RunOfTask

    public init(_ task: TaskID, _ execution: ExecutionID) { run = RunOfTask(task, execution) }
    public func encode(into key: inout KeyEncoder) { run.encode(into: &key) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { run = try RunOfTask(decoding: &key) }
}

public struct TriggerKey: StoreKey {
    public typealias Value = ExecutionStatus
    public static let table = Table.trigger
    public var run: RunOfTask

    public init(_ task: TaskID, _ execution: ExecutionID) { run = RunOfTask(task, execution) }
    public func encode(into key: inout KeyEncoder) { run.encode(into: &key) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { run = try RunOfTask(decoding: &key) }
}

public struct PendingKey: StoreKey {
    public typealias Value = PendingRun
    public static let table = Table.pending
    public var run: RunOfTask

    public init(_ task: TaskID, _ execution: ExecutionID) { run = RunOfTask(task, execution) }
    public func encode(into key: inout KeyEncoder) { run.encode(into: &key) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { run = try RunOfTask(decoding: &key) }
}

public struct IndexCounterKey: StoreKey {
    public typealias Value = DecimalText
    public static let table = Table.indexCounter
    public var task: TaskID

    public init(_ task: TaskID) { self.task = task }
    public func encode(into key: inout KeyEncoder) { key.append(task) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { task = try key.read() }
}

public struct JobKey: StoreKey {
    public typealias Value = Job
    public static let table = Table.job
    public var state: JobState
    public var number: UInt64

    public init(_ state: JobState, _ number: UInt64) {
        self.state = state
        self.number = number
    }

    public func encode(into key: inout KeyEncoder) {
        key.append(literal: "default")
        key.append(state)
        key.append(number)
    }

    public init(decoding key: inout KeyDecoder) throws(StorageError) {
        try key.read(literal: "default")
        state = try key.read()
        number = try key.read()
    }

    /// All jobs in one state, oldest first.
    public static func rows(_ state: JobState) -> Rows<JobKey> { Rows(under: QueueName.default, state) }
}

/// The only queue so far.
enum QueueName: String, KeyPart {
    case `default`

    static let keyPartLength: Int? = nil
}

public struct JobSequenceKey: StoreKey {
    public typealias Value = DecimalText
    public static let table = Table.jobSequence

    public init() {}
    public func encode(into key: inout KeyEncoder) { key.append(literal: "default") }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { try key.read(literal: "default") }
}

public struct ClaimKey: StoreKey {
    public typealias Value = Claim
    public static let table = Table.claim
    public var execution: ExecutionID

    public init(_ execution: ExecutionID) { self.execution = execution }
    public func encode(into key: inout KeyEncoder) { key.append(execution) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { execution = try key.read() }
}

public struct DedupKey: StoreKey {
    public typealias Value = Dedup
    public static let table = Table.dedup
    public var task: TaskID
    public var identity: IdentityDigest

    public init(_ task: TaskID, _ identity: IdentityDigest) {
        self.task = task
        self.identity = identity
    }

    public func encode(into key: inout KeyEncoder) {
        key.append(task)
        key.append(identity)
    }

    public init(decoding key: inout KeyDecoder) throws(StorageError) {
        task = try key.read()
        identity = try key.read()
    }
}

public struct DedupLowKey: StoreKey {
    public typealias Value = DedupLow
    public static let table = Table.dedupLow
    public var task: TaskID

    public init(_ task: TaskID) { self.task = task }
    public func encode(into key: inout KeyEncoder) { key.append(task) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { task = try key.read() }
}

public struct OperatorKey: StoreKey {
    public typealias Value = OperatorInfo
    public static let table = Table.node
    public var address: Address

    public init(_ address: Address) { self.address = address }
    public func encode(into key: inout KeyEncoder) { key.append(address) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { address = try key.read() }
}
