import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Testing

/// Parts of keys that a seed decides.
private struct Parts {
    var random: SeededGenerator
    private var ids = ULIDGenerator()

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func address() -> Address {
        Address(bytes: (0..<20).map { _ in UInt8(truncatingIfNeeded: random.next()) }) ?? .zero
    }
    mutating func task() -> TaskID {
        TaskID(ids.next(at: Timestamp(milliseconds: Int64(random.next() >> 20)), using: &random))
    }
    mutating func execution() -> ExecutionID { ExecutionID(task().ulid) }
    mutating func word() -> UInt256 {
        UInt256(bigEndian: (0..<32).map { _ in UInt8(truncatingIfNeeded: random.next()) }) ?? .zero
    }
    mutating func digest() -> IdentityDigest? {
        IdentityDigest(sha256: (0..<32).map { _ in UInt8(truncatingIfNeeded: random.next()) })
    }
}

@Suite("A key of the database")
struct KeyTests {
    @Test("KEY-5: reads back as itself", arguments: 0..<50 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var parts = Parts(seed: seed)
        let (owner, wallet, task, execution) = (parts.address(), parts.address(), parts.task(), parts.execution())
        try expectRoundTrip(WalletKey(owner: owner, wallet: wallet))
        // A salt is as long as its number, so a cut key names another salt.
        let bySalt = WalletSaltKey(owner: owner, factory: wallet, salt: parts.word())
        #expect(try WalletSaltKey(bytes: bySalt.bytes) == bySalt)
        for status in TaskStatus.allCases { try expectRoundTrip(TaskKey(status: status, id: task)) }
        try expectRoundTrip(TaskByOwnerKey(owner: owner, wallet: wallet, id: task))
        try expectRoundTrip(HistoryKey(task, execution))
        try expectRoundTrip(TriggerKey(task, execution))
        try expectRoundTrip(PendingKey(task, execution))
        try expectRoundTrip(IndexCounterKey(task))
        for state in JobState.allCases { try expectRoundTrip(JobKey(state, parts.random.next())) }
        try expectRoundTrip(JobSequenceKey())
        try expectRoundTrip(ClaimKey(execution))
        try expectRoundTrip(JournalKey(execution, try #require(KeyIndex(999_999))))
        let digest = parts.digest()
        try expectRoundTrip(DedupKey(task, try #require(digest)))
        try expectRoundTrip(DedupLowKey(task))
        try expectRoundTrip(OperatorKey(owner))
        try expectRoundTrip(AnswerKey(owner: owner, identity: try #require(digest)))
        try expectRoundTrip(AnswerCountKey(owner))
        for status in TaskStatus.allCases {
            try expectRoundTrip(TaskCountKey(owner: owner, wallet: wallet, status: status))
        }
        try expectRoundTrip(ExecutionCountKey(task))
        try expectRoundTrip(ExecutionCountOfOwnerKey(owner))
        try expectRoundTrip(ExecutionDayKey(task, day: parts.random.next()))
        try expectRoundTrip(ExecutionDayOfOwnerKey(owner, day: parts.random.next()))
        try expectRoundTrip(PromiseKey(task, execution))
        // A migration's name is as long as it is.
        let migration = MigrationKey(try #require(DerivedRows.migration))
        #expect(try MigrationKey(bytes: migration.bytes) == migration)
        try expectRoundTrip(IntentKey(execution, try #require(KeyIndex(Int(seed)))))
        try expectRoundTrip(LaneKey(chainID: parts.random.next(), sender: wallet))
        try expectRoundTrip(APIKeyKey(APIKeyID(task.ulid)))
        try expectRoundTrip(AuditKey(task.ulid))
        try expectRoundTrip(OutboxKey(7))
        try expectRoundTrip(OutboxNumberKey())
        try expectRoundTrip(OutboxCountKey())
        try expectRoundTrip(FeeAccountKey(owner))
        try expectRoundTrip(FeeRecordKey(owner: owner, execution: execution))
        // A name is as long as it is, so a cut key names another secret.
        let (name, id) = (try SecretName("api_key"), try #require(ScopeID("w-1.a_b")))
        for scope in [SecretScope.user, .workflow(id), .workflow(ScopeID(task)), .organisation(id)] {
            let key = SecretKey(owner: owner, scope: scope, name: name)
            #expect(try SecretKey(bytes: key.bytes) == key)
        }
        let progress = MigrationProgressKey(migration.name)
        #expect(try MigrationProgressKey(bytes: progress.bytes) == progress)
        let ofOwner = SecretOfOwnerKey(owner: owner, organisation: id, name: name)
        #expect(try SecretOfOwnerKey(bytes: ofOwner.bytes) == ofOwner)
    }

    private func expectRoundTrip<Key: StoreKey>(_ key: Key) throws {
        #expect(try Key(bytes: key.bytes) == key)
        for end in key.bytes.indices {
            #expect(throws: StorageError.self) { _ = try Key(bytes: Array(key.bytes[..<end])) }
        }
    }

    @Test("has the layout that the specification fixes")
    func layout() throws {
        let owner = try #require(Address("0xB99BC2E399e06CddCF5E725c0ea341E8f0322834"))
        let task = try #require(TaskID("01jg2fe5mdvkbpheg0peysdkac"))
        let execution = try #require(ExecutionID("01jg2fe5mfpg9kfnb9mrp4psn9"))
        let lower = "0xb99bc2e399e06cddcf5e725c0ea341e8f0322834"
        #expect(text(TaskKey(status: .enabled, id: task)) == "t:a:\(task)")
        #expect(text(WalletKey(owner: owner, wallet: owner)) == "w:\(lower):\(lower)")
        #expect(
            text(WalletSaltKey(owner: owner, factory: owner, salt: UInt256(12_345))) == "wsalt:\(lower):\(lower):12345")
        #expect(text(HistoryKey(task, execution)) == "history:\(task):\(execution)")
        #expect(text(PendingKey(task, execution)) == "pending:\(task):\(execution)")
        #expect(text(JobKey(.waiting, 10)) == "q:default:q:00000000000000000010")
        let name = try SecretName("api_key")
        #expect(text(SecretKey(owner: owner, scope: .user, name: name)) == "secret:_:\(lower):_:api_key")
        #expect(
            text(SecretKey(owner: owner, scope: .workflow(ScopeID(task)), name: name))
                == "secret:_:\(lower):\(task):api_key")
        let acme = try #require(ScopeID("acme"))
        #expect(
            text(SecretKey(owner: owner, scope: .organisation(acme), name: name)) == "secret:acme:\(lower):_:api_key")
        #expect(text(IndexCounterKey(task)) == "execution_index_counter:\(task)")
        let index = text(TaskByOwnerKey(owner: owner, wallet: owner, id: task))
        #expect(index == "u:\(lower):\(lower):\(task)")
        #expect(index.utf8.count == 88 + 26)
    }

    @Test(
        "DEFECT-19: of a secret that no request could have made is refused",
        arguments: [
            "secret:acme:OWNER:w1:name", "secret:_:OWNER:_:", "secret:_:OWNER:_:a:b", "secret:_:OWNER:a%3ab:name",
            "secret:_:OWNER:_:ap_x", "secret:_:OWNER::name", "secret_org:OWNER:_:name",
        ])
    func forged(text: String) {
        let key = Array(text.replacing("OWNER", with: "0xb99bc2e399e06cddcf5e725c0ea341e8f0322834").utf8)
        #expect(throws: StorageError.self) { _ = try SecretKey(bytes: key) }
        #expect(throws: StorageError.self) { _ = try SecretOfOwnerKey(bytes: key) }
    }

    private func text(_ key: some StoreKey) -> String { String(decoding: key.bytes, as: UTF8.self) }

    @Test("D-15: jobs sort by number, not by text")
    func order() {
        let numbers: [UInt64] = [1, 2, 9, 10, 11, 99, 100, 1_000_000]
        let keys = numbers.map { JobKey(.waiting, $0).bytes }
        #expect(keys == keys.sorted { $0.lexicographicallyPrecedes($1) })
    }
}
