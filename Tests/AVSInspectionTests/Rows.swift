import AVSCrypto
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage

/// A small database that keeps its rules, and the values that it is made of.
enum Rows {
    static let now = Timestamp(milliseconds: 1_900_000_000_000)
    static let owner = Address("0x00000000000000000000000000000000000000a1") ?? .zero
    static let wallet = Address("0x00000000000000000000000000000000000000b2") ?? .zero
    static let factory = Address("0x00000000000000000000000000000000000000c3") ?? .zero

    static func ulid(_ number: UInt64) -> ULID {
        var generator = ULIDGenerator(after: nil)
        var random = Counting(value: number * 1_000)
        return generator.next(at: now, using: &random)
    }

    static func task(_ number: UInt64, _ change: (inout AutomationTask) -> Void = { _ in }) -> AutomationTask {
        var task = AutomationTask(
            id: TaskID(ulid(number)), owner: owner, wallet: wallet, name: "task \(number)",
            trigger: Trigger(id: "t", name: "trigger", config: .block(BlockTrigger(interval: 5))), nodes: [], edges: [],
            inputVariables: ["settings": ["runner": .string(wallet.checksummed)]], chainID: 31_337, executionCount: 1,
            reserved: 1, runsInFlight: 1)
        change(&task)
        return task
    }

    static func job(_ number: UInt64, of task: AutomationTask) -> Job {
        Job(
            number: number, taskID: task.id, executionID: ExecutionID(ulid(100 + number)), owner: owner,
            index: number - 1,
            trigger: TriggerOutput(kind: .manual, data: ["a": 1]), enqueuedAt: now)
    }

    static func execution(_ number: UInt64, of task: AutomationTask) -> Execution {
        Execution(
            id: ExecutionID(ulid(100 + number)), taskID: task.id, index: Int64(number) - 1, startAt: now, endAt: now,
            status: .success)
    }

    /// Two secrets, and an answer to a call with an idempotency key.
    private static func fillSecrets(_ transaction: inout Transaction) throws {
        let sealed = SealedSecret(
            rootKeyID: Array(repeating: 1, count: 8), nonce: Array(repeating: 2, count: 12), ciphertext: [3],
            tag: Array(repeating: 4, count: 16), createdAt: now, updatedAt: now)
        let name = try SecretName("api_key")
        try transaction.put(SecretKey(owner: owner, scope: .user, name: name), .sealed(sealed))
        if let acme = ScopeID("acme") {
            try transaction.put(SecretKey(owner: owner, scope: .organisation(acme), name: name), .sealed(sealed))
            try transaction.put(SecretOfOwnerKey(owner: owner, organisation: acme, name: name), [])
        }
        let digest = SHA256.hash([1])
        if let identity = IdentityDigest(sha256: digest.bytes) {
            try transaction.put(
                AnswerKey(owner: owner, identity: identity),
                RecordedAnswer(requestDigest: digest, answer: [1], recordedAt: now))
            try transaction.put(AnswerCountKey(owner), DecimalText(1))
        }
    }

    /// A task that expires, one of whose runs was promised and has no job.
    static let expiring = task(2) { ($0.executionCount, $0.runsInFlight, $0.expiredAt) = (0, 0, now) }
    static let promised = RunOfTask(expiring.id, ExecutionID(ulid(104)))

    private static func fillExpiring(_ transaction: inout Transaction) throws {
        try transaction.create(expiring)
        try transaction.promise(promised, index: 0)
        try transaction.put(IndexCounterKey(expiring.id), DecimalText(1))
        for name in [DerivedRows.migration, DerivedRows.daysMigration].compactMap({ $0 }) {
            try transaction.put(MigrationKey(name), MigrationMark(records: 0, doneAt: now))
        }
    }

    private static let index: KeyIndex = (0...0).compactMap { KeyIndex($0) }[0]
    static let intent = IntentKey(ExecutionID(ulid(103)), index)
    static let lane = LaneKey(chainID: 31_337, sender: wallet)

    /// What a wallet is about to do, and that it is next.
    private static func fillIntents(_ transaction: inout Transaction) throws {
        try transaction.put(
            intent,
            Intent(
                step: "n1/0", requestDigest: SHA256.hash([1]), createdAt: now, chainID: 31_337, entryPoint: factory,
                sender: wallet, nonce: UInt256(4), hash: SHA256.hash([2]), operation: Array("{}".utf8),
                validUntil: 1_900_000_900, fromBlock: 5))
        try transaction.put(lane, Lane(nextNonce: UInt256(4), open: intent))
    }

    static let feeRecord = FeeRecordKey(owner: owner, execution: ExecutionID(ulid(103)))

    /// What the outside is to be told.
    private static func fillOutbox(_ transaction: inout Transaction) throws {
        var message = OutboxMessage(eventID: "e", payload: ["id": "e"], isUrgent: true, createdAt: now)
        message.attempts = 3
        message.error = "answered with status 503"
        message.isDead = true
        message.merged = 2
        _ = try transaction.post(message)
    }

    /// What an execution owes.
    private static func fillFees(_ transaction: inout Transaction) throws {
        try transaction.put(
            feeRecord,
            FeeRecord(
                executionID: feeRecord.execution, taskID: task(1).id, owner: owner,
                share: ValueFee(tier: .first, percentage: "0.03"), value: UInt256(10_000), fee: UInt256(3),
                recordedAt: now, chainID: 31_337))
        try transaction.put(
            FeeAccountKey(owner),
            FeeAccount(outstanding: UInt256(3), accrued: UInt256(3), records: 1, updatedAt: now))
    }

    /// One row of each table that the engine writes.
    static func fill(_ transaction: inout Transaction) throws {
        try fillExpiring(&transaction)
        try fillFees(&transaction)
        try fillOutbox(&transaction)
        let task = task(1)
        try transaction.create(task)
        try transaction.put(
            WalletKey(owner: owner, wallet: wallet),
            SmartWallet(
                owner: owner, address: wallet, factory: factory, salt: UInt256(7), isHidden: true))
        try transaction.put(WalletSaltKey(owner: owner, factory: factory, salt: UInt256(7)), wallet)
        try transaction.record(execution(1, of: task), owner: owner)
        let waiting = job(2, of: task)
        try transaction.put(TriggerKey(task.id, waiting.executionID), .pending)
        try transaction.put(PendingKey(task.id, waiting.executionID), PendingRun(index: 1, job: 2))
        try transaction.put(JobKey(.waiting, 2), waiting)
        let running = job(3, of: task)
        try transaction.put(TriggerKey(task.id, running.executionID), .pending)
        try transaction.put(PendingKey(task.id, running.executionID), PendingRun(index: 2, job: 3))
        try transaction.put(JobKey(.running, 3), running)
        try transaction.put(JobSequenceKey(), DecimalText(3))
        if let name = MigrationName("20260101-120000-first") {
            try transaction.put(MigrationProgressKey(name), MigrationProgress(records: 2, last: [1, 2]))
        }
        try fillSecrets(&transaction)
        try fillIntents(&transaction)
        try transaction.put(IndexCounterKey(task.id), DecimalText(3))
        try transaction.put(
            ClaimKey(running.executionID),
            Claim(
                epoch: 1, attempt: 1, taskID: task.id, jobNumber: 3, startedAt: now, deadline: now))
        if let first = KeyIndex(0) {
            let step = execution(1, of: task).steps.first
            try transaction.put(
                JournalKey(running.executionID, first), JournalEntry(nodeID: "n", inputDigest: .zero, step: step))
        }
        if let digest = IdentityDigest(sha256: SHA256.hash(Array("block 5".utf8)).bytes) {
            try transaction.put(
                DedupKey(task.id, digest),
                Dedup(
                    executionID: waiting.executionID, identity: "block 5",
                    position: .init(axis: .chain(31_337), value: 5),
                    recordedAt: now))
        }
        let key = APIKeyID(ulid(7))
        try transaction.put(
            APIKeyKey(key),
            APIKey(
                id: key, name: "one", account: owner, scopes: [.read], digest: SHA256.hash([7]), createdAt: now,
                expiresAt: now))
        let act = AdminAct(
            by: Administrator(name: "key \(key)", origin: "127.0.0.1:1"), action: "a.b", object: "\(key)")
        try transaction.put(AuditKey(ulid(8)), RecordedAct(act: act, at: now, previous: .zero))
        try transaction.put(DedupLowKey(task.id), DedupLow(blockByChain: [31_337: 4], minute: 2))
        try transaction.put(
            OperatorKey(owner),
            OperatorInfo(
                address: owner, name: "one", remoteIP: "127.0.0.1", lastPing: now, version: "1", metricsPort: 9_090,
                blockNumber: 5, eventCount: 6))
    }
}

/// "Random" numbers that count.
struct Counting: RandomNumberGenerator {
    var value: UInt64
    mutating func next() -> UInt64 {
        value &+= 1
        return value
    }
}
