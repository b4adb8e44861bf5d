import AVSCrypto
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Testing

@testable import AVSInspection

/// One kind of damage to a good database, and what has to be found.
struct Damage: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// The rules that are found to be broken, one for each finding, sorted.
    let rules: [String]
    /// Whether a repair of the rows themselves is proposed that leaves nothing to be found.
    let isRepaired: Bool
    let make: @Sendable (inout Transaction) throws -> Void

    init(
        _ name: String, _ rules: [String], isRepaired: Bool,
        _ make: @escaping @Sendable (inout Transaction) throws -> Void
    ) {
        testDescription = name
        self.rules = rules.sorted()
        self.isRepaired = isRepaired
        self.make = make
    }
}

private let task = Rows.task(1)
private let entry = TaskByOwnerKey(owner: Rows.owner, wallet: Rows.wallet, id: task.id)
private let gone = Rows.task(9)
private let answers = AnswerCountKey(Rows.owner)

/// The catalogue of reliability-security 2.7 as damage, one thing at a time.
private let catalogue: [Damage] = [
    Damage("dangling index entry", ["I1"], isRepaired: false) {
        // The wallet's count was right without it, and is right again.
        try $0.put(TaskByOwnerKey(owner: Rows.owner, wallet: Rows.wallet, id: gone.id), .failed)
        try $0.put(TaskCountKey(owner: Rows.owner, wallet: Rows.wallet, status: .failed), 1)
    },
    Damage("index entry that is missing", ["I1", "I1", "I5", "I5"], isRepaired: true) { try $0.delete(entry) },
    Damage("task under two letters", ["I1", "I1", "I1", "I1"], isRepaired: true) {
        try $0.put(TaskKey(status: .failed, id: task.id), task)
    },
    Damage("wrong counter of promises", ["I6"], isRepaired: true) {
        var wrong = task
        wrong.reserved += 1
        try $0.put(TaskKey(status: task.status, id: task.id), wrong)
    },
    Damage("wrong counter of indexes", ["I5"], isRepaired: true) { try $0.put(IndexCounterKey(task.id), 2) },
    Damage("wrong counter of answers", ["I14"], isRepaired: true) { try $0.put(answers, 7) },
    Damage("counter of answers that is missing", ["I14"], isRepaired: true) { try $0.delete(answers) },
    Damage("orphan execution", ["I14"], isRepaired: true) {
        try $0.put(HistoryKey(gone.id, ExecutionID(Rows.ulid(190))), Rows.execution(90, of: gone))
        try $0.put(ExecutionCountKey(gone.id), 1)
        try $0.delete(ExecutionCountKey(gone.id))
        try $0.delete(MigrationKey(#require(DerivedRows.migration)))
    },
    Damage("orphan counter", ["I14"], isRepaired: true) { try $0.put(IndexCounterKey(gone.id), 1) },
    Damage("orphan low mark", ["I14"], isRepaired: true) { try $0.put(DedupLowKey(gone.id), DedupLow()) },
    Damage("orphan job", ["I7"], isRepaired: true) { try $0.put(JobKey(.waiting, 90), Rows.job(90, of: gone)) },
    Damage("orphan claim", ["I7"], isRepaired: true) {
        let claim = Claim(epoch: 1, attempt: 1, taskID: gone.id, jobNumber: 90, startedAt: Rows.now, deadline: Rows.now)
        try $0.put(ClaimKey(ExecutionID(Rows.ulid(190))), claim)
    },
    Damage("undecodable value", ["readable"], isRepaired: false) {
        try $0.put(OperatorKey(Rows.owner).bytes, [0xff])
    },
    Damage("undecodable key", ["readable"], isRepaired: false) { try $0.put(Array("w:0x1:0x2".utf8), [1]) },
    Damage("key in no table", ["I14"], isRepaired: false) { try $0.put(Array("strange".utf8), [1]) },
    Damage("salt of a wallet that is gone", ["I10"], isRepaired: true) {
        try $0.put(WalletSaltKey(owner: Rows.owner, factory: Rows.factory, salt: UInt256(99)), Rows.factory)
    },
    Damage("secret of an organisation that its owner cannot find", ["I14"], isRepaired: true) {
        try $0.deleteAll(AVSStorage.Rows<SecretOfOwnerKey>(under: Rows.owner))
    },
    Damage("entry of a secret that is gone", ["I14"], isRepaired: true) {
        let (acme, name) = (try #require(ScopeID("acme")), try SecretName("api_key"))
        try $0.delete(SecretKey(owner: Rows.owner, scope: .organisation(acme), name: name))
    },
    Damage("secret that is not sealed", ["KMS-4"], isRepaired: false) {
        try $0.put(SecretKey(owner: Rows.owner, scope: .user, name: SecretName("x")).bytes, Array("hunter2".utf8))
    },
    Damage("occurrence whose execution is lost", ["I2"], isRepaired: false) {
        let digest = try #require(IdentityDigest(sha256: SHA256.hash(Array("b 1 2".utf8)).bytes))
        try $0.put(
            DedupKey(task.id, digest),
            Dedup(executionID: ExecutionID(Rows.ulid(150)), identity: "b 1 2", position: nil, recordedAt: Rows.now))
    },
]

@Suite("The repair of a database") struct RepairTests {
    private struct Pass {
        var findings: [StoreFinding] = []
        var steps: [RepairStep] = []
    }

    private func pass(_ store: MemoryStore) throws -> Pass {
        try store.read { snapshot in
            var check = StoreCheck()
            var pass = Pass()
            var cursor: [UInt8]?
            repeat {
                cursor = try check.check(after: cursor, in: snapshot) { finding in
                    pass.findings.append(finding)
                    guard let step = try RepairStep(for: finding.key, in: snapshot) else { return }
                    if !pass.steps.contains(where: { $0.changes == step.changes }) { pass.steps.append(step) }
                }
            } while cursor != nil
            #expect(check.summary.findingsByRule.values.reduce(0, +) == pass.findings.count)
            return pass
        }
    }

    private func damaged(_ damage: Damage) async throws -> MemoryStore {
        let store = MemoryStore()
        try await store.update { try Rows.fill(&$0) }
        #expect(try pass(store).findings.isEmpty)
        try await store.update(damage.make)
        return store
    }

    @Test("I1…I14: one damage, exactly its findings", arguments: catalogue)
    func found(damage: Damage) async throws {
        let found = try pass(await damaged(damage)).findings
        #expect(
            found.map(\.rule).sorted() == damage.rules, "\(found.map { "\(KeyText.text(of: $0.key)) \($0.problem)" })")
    }

    @Test("does what it has shown, which leaves nothing to be found", arguments: catalogue.filter(\.isRepaired))
    func repaired(damage: Damage) async throws {
        let store = try await damaged(damage)
        let steps = try pass(store).steps
        #expect(!steps.isEmpty && steps.allSatisfy { !$0.purpose.isEmpty })
        for step in steps { #expect(try await store.update { try $0.apply(step) }, "\(step.purpose)") }
        let left = try pass(store).findings
        #expect(left.isEmpty, "\(left.map { "\(KeyText.text(of: $0.key)) \($0.problem)" })")
        for step in steps { #expect(try await !store.update { try $0.apply(step) }, "a second time changes nothing") }
    }

    @Test("proposes nothing where a person has to decide", arguments: [
        "undecodable value", "undecodable key", "key in no table", "secret that is not sealed",
        "occurrence whose execution is lost",
    ])
    func left(name: String) async throws {
        let damage = try #require(catalogue.first { $0.testDescription == name })
        #expect(try pass(await damaged(damage)).steps.isEmpty)
    }

    @Test("lets wrong counts be counted anew at the next start")
    func counts() async throws {
        let damage = Damage("", [], isRepaired: true) {
            try $0.put(TaskCountKey(owner: Rows.owner, wallet: Rows.wallet, status: task.status), 9)
        }
        let store = try await damaged(damage)
        let steps = try pass(store).steps
        #expect(steps.map(\.changes) == [try Self.recount()])
    }

    @Test("lets wrong statistics be counted anew at the next start")
    func days() async throws {
        let run = CountedRun(Rows.execution(1, of: task))
        let damage = Damage("", [], isRepaired: true) {
            try $0.delete(ExecutionDayKey(task.id, day: run.day))
        }
        let steps = try pass(try await damaged(damage)).steps
        #expect(steps.map(\.changes) == [try Self.recount()])
    }

    private static func recount() throws -> [RepairStep.Change] {
        try [DerivedRows.migration, DerivedRows.daysMigration].map {
            .delete(key: MigrationKey(try #require($0)).bytes)
        }
    }

    @Test("is not done to rows that have changed since it was shown")
    func stale() async throws {
        let damage = try #require(catalogue.first { $0.testDescription == "orphan job" })
        let store = try await damaged(damage)
        let step = try #require(try pass(store).steps.first)
        try await store.update { try $0.delete(JobKey(.waiting, 90)) }
        #expect(try await !store.update { try $0.apply(step) })
    }
}
