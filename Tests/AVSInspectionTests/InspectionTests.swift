import AVSCrypto
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Testing

@testable import AVSInspection

extension KeyValueStore {
    fileprivate func findings() throws -> [StoreFinding] {
        try read { snapshot in
            var check = StoreCheck()
            var found: [StoreFinding] = []
            var cursor: [UInt8]?
            repeat { cursor = try check.check(after: cursor, in: snapshot) { found.append($0) } } while cursor != nil
            #expect(check.findingCount == found.count)
            return found
        }
    }
}

@Suite("The tables as a person sees them")
struct TableTests {
    private func store() async throws -> MemoryStore {
        let store = MemoryStore()
        try await store.update { try Rows.fill(&$0) }
        return store
    }

    private func contents() async throws -> [String: StoredTable.Content] {
        try await store().read { snapshot in
            var found: [String: StoredTable.Content] = [:]
            try snapshot.scan(.all, order: .ascending, limit: 1_000) { key, value in
                let table = try #require(StoredTable.table(of: key))
                if found[table.name] == nil { found[table.name] = table.content(key: key, value: value) }
                return .next
            }
            return found
        }
    }

    @Test("show every record of the schema as JSON")
    func readable() async throws {
        let found = try await contents()
        let expected = Set(StoredTable.all.map(\.name)).subtracting(["secret", "meta"])
        #expect(Set(found.keys).subtracting(["secret", "meta"]) == expected)
        for (name, content) in found where name != "secret" {
            guard case .readable = content else {
                Issue.record("\(name): \(content)")
                continue
            }
        }
    }

    @Test("show fields by name, 64-bit numbers as text, nested messages, oneofs, maps and enums")
    func fields() async throws {
        let found = try await contents()
        func value(_ table: String) -> JSONValue? {
            if case .readable(let value) = found[table] { value } else { nil }
        }
        let task = try #require(value("task"))
        #expect(task["chainId"] == "31337")
        #expect(task["task"]?["name"] == "task 1")
        #expect(task["task"]?["status"] == "Enabled")
        #expect(task["task"]?["trigger"]?["block"]?["config"]?["interval"] == "5", "\(task.serialized)")
        #expect(task["task"]?["inputVariables"]?["settings"]?["runner"]?.stringValue == Rows.wallet.checksummed)
        #expect(value("wallet")?["salt"] == "7" && value("wallet")?["isHidden"] == true)
        #expect(value("dedup")?["block"] == ["chainId": "31337", "number": "5"])
        #expect(value("dedup-low")?["blockByChain"] == ["31337": "4"])
        #expect(value("history")?["execution"]?["status"] == "EXECUTION_STATUS_SUCCESS")
        #expect(value("job")?["triggerData"] == ["a": 1])
        #expect(value("job")?["triggerType"] == "TRIGGER_TYPE_MANUAL")
        #expect(value("operator")?["metricsPort"] == 9_090)
        #expect(value("pending") == "1 taken 2")
        #expect(value("task-by-owner") == "0")
        #expect(value("job-sequence") == "3")
    }

    @Test(
        "are found by the longest prefix",
        arguments: [
            ("q:default:q:1", "job"), ("q:seq:default", "job-sequence"), ("t:a:x", "task"), ("w:", "wallet"),
            ("wsalt:x", "wallet-by-salt"), ("dedup_low:x", "dedup-low"), ("dedup:x", "dedup"), ("meta:commit", "meta"),
            ("secret:_:a:_:b", "secret"), ("secret_org:a", "secret-of-owner"), ("idem_count:a", "answer-count"),
            ("execution_count:x", "execution-count"), ("execution_count_of:x", "execution-count-of-owner"),
            ("execution_day:x", "execution-day"), ("execution_day_of:x", "execution-day-of-owner"),
            ("task_count:x", "task-count"), ("x:", nil), ("", nil), ("W:", nil), ("t", nil),
        ])
    func longestPrefix(key: String, name: String?) { #expect(StoredTable.table(of: Array(key.utf8))?.name == name) }

    @Test("say what is wrong with a row, of a key and of a value")
    func unreadable() throws {
        let table = try #require(StoredTable.table(of: Array("t:a:".utf8)))
        let key = TaskKey(status: .enabled, id: Rows.task(1).id).bytes
        guard case .unreadable(let keyReason) = table.content(key: Array("t:a:nonsense".utf8), value: []) else {
            Issue.record("a bad key was read")
            return
        }
        #expect(keyReason.hasPrefix("key: "))
        for value in [[0xff], Array("text".utf8), []] as [[UInt8]] {
            guard case .unreadable(let reason) = table.content(key: key, value: value) else {
                Issue.record("\(value) was read")
                continue
            }
            #expect(reason.hasPrefix("value: "))
        }
    }

    @Test("are those of the schema, and the store's own")
    func complete() {
        let own = [StoreMeta.table.prefix]
        #expect(Set(StoredTable.all.map(\.prefix)) == Set(Table.all.map(\.prefix) + own))
        #expect(Set(StoredTable.all.map(\.name)).count == StoredTable.all.count)
    }

    @Test("survive any damage to a value", arguments: 0..<20 as Range<UInt64>)
    func damage(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var rows: [(key: [UInt8], value: [UInt8])] = []
        try await store().read { snapshot in
            _ = try snapshot.scan(.all, order: .ascending, limit: 1_000) { key, value in
                rows.append((key, value))
                return .next
            }
        }
        for (key, value) in rows where !value.isEmpty {
            var value = value
            value[Int.random(in: 0..<value.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            value = Array(value.prefix(Int.random(in: 0...value.count, using: &random)))
            _ = StoredTable.table(of: key)?.content(key: key, value: value)
        }
    }

    @Test("never show a secret, sealed or not")
    func secrets() throws {
        let key = Array("secret:_:0x00000000000000000000000000000000000000a1:_:name".utf8)
        let table = try #require(StoredTable.table(of: key))
        #expect(table.content(key: key, value: Array("hunter2".utf8)) == .hidden(byteCount: 7))
    }

    @Test("count their rows and bytes, in turns")
    func statistics() async throws {
        let store = try await store()
        try await store.update { try $0.put(Array("strange".utf8), [1, 2, 3]) }
        try store.read { snapshot in
            var statistics = StoreStatistics()
            var cursor: [UInt8]?
            repeat { cursor = try statistics.count(after: cursor, in: snapshot) } while cursor != nil
            let task = try #require(statistics.tables.first { $0.table.name == "task" }?.rows)
            #expect(task.count == 2 && task.keyBytes == 60 && task.valueBytes > 100)
            #expect(statistics.unknown.count == 1 && statistics.unknown.valueBytes == 3)
            #expect(statistics.tables.map(\.table) == StoredTable.all)
        }
    }
}

@Suite("A key as text")
struct KeyTextTests {
    @Test("reads back as the same key", arguments: 0..<50 as Range<UInt64>)
    func roundTrip(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let key = (0..<Int.random(in: 0...100, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        let text = KeyText.text(of: key)
        #expect(text.utf8.allSatisfy { (0x20...0x7e).contains($0) })
        #expect(KeyText.key(text) == key)
    }

    @Test("may hold other letters as they are")
    func unicode() { #expect(KeyText.key("é\\x00\\x5c") == [0xc3, 0xa9, 0, 0x5c]) }

    @Test(
        "is refused where a backslash starts nothing, or it is too long",
        arguments: [
            "\\", "\\x", "\\x1", "\\xg0", "\\n", "a\\", String(repeating: "a", count: 1_025),
        ])
    func refused(text: String) { #expect(KeyText.key(text) == nil) }
}

@Suite("The check of a database")
struct StoreCheckTests {
    private func findings(
        _ change: @escaping @Sendable (inout Transaction) throws -> Void
    ) async throws -> [StoreFinding] {
        let store = MemoryStore()
        try await store.update { try Rows.fill(&$0) }
        try await store.update(change)
        return try store.findings()
    }

    @Test("finds nothing in a good one")
    func good() async throws { #expect(try await findings { _ in }.isEmpty) }

    @Test("I1: a task under two letters")
    func twoLetters() async throws {
        let found = try await findings { try $0.put(TaskKey(status: .disabled, id: Rows.task(1).id), Rows.task(1)) }
        #expect(Set(found.map(\.rule)) == ["I1"] && found.contains { $0.problem.contains("letter i as well") })
        #expect(found.contains { $0.problem == "the record says Enabled" })
    }

    @Test("I1: an index entry that is missing, wrong or left over")
    func index() async throws {
        let key = TaskByOwnerKey(owner: Rows.owner, wallet: Rows.wallet, id: Rows.task(1).id)
        let missing = try await findings { try $0.delete(key) }
        try #require(missing.map(\.rule) == ["I5", "I5", "I1", "I1"])
        #expect(missing[0].problem == "the owner has 0 recorded runs, counted are 1")
        #expect(
            missing[1].problem.hasSuffix(
                "the owner's statistics have 1 runs, or other ends, than the 0 that are recorded"))
        #expect(missing[2].problem.hasPrefix("there is no u:0x"))
        #expect(missing[3].problem == "the wallet has 1 tasks that are Enabled, counted are 2")
        let wrong = try await findings { try $0.put(key, .failed) }
        #expect(wrong.map(\.rule) == ["I1", "I1", "I1"])
        let left = try await findings {
            try $0.put(TaskByOwnerKey(owner: Rows.owner, wallet: Rows.wallet, id: Rows.task(9).id), .enabled)
        }
        #expect(
            left.map(\.problem) == [
                "the wallet has 3 tasks that are Enabled, counted are 2", "there is no task under letter a",
            ])
    }

    @Test("I1, I5: counts that are wrong or not there, of tasks and of recorded runs")
    func counts() async throws {
        let tasks = TaskCountKey(owner: Rows.owner, wallet: Rows.wallet, status: .enabled)
        #expect(try await findings { try $0.put(tasks, 1) }.map(\.rule) == ["I1"])
        #expect(try await findings { try $0.delete(tasks) }.map(\.rule) == ["I1", "I1"], "one of each task")
        let runs = ExecutionCountKey(Rows.task(1).id)
        let wrong = try await findings { try $0.put(runs, 2) }
        #expect(
            wrong.map(\.problem) == [
                "the task has 1 recorded runs, counted are 2", "the owner has 2 recorded runs, counted are 1",
            ])
        #expect(try await findings { try $0.delete(runs) }.map(\.rule) == ["I5", "I5", "I5"])
        let gone = try await findings { try $0.put(ExecutionCountKey(Rows.task(9).id), 1) }
        #expect(gone.map(\.rule) == ["I5", "I14"])
        #expect(
            try await findings { try $0.put(ExecutionCountOfOwnerKey(Rows.owner), DecimalText(UInt64.max)) }.map(\.rule)
                == ["I5"])
    }

    @Test("I5: days add up to the records that they count, of a task and of its owner")
    func days() async throws {
        let run = CountedRun(Rows.execution(1, of: Rows.task(1)))
        let ofTask = ExecutionDayKey(Rows.task(1).id, day: run.day)
        let ofOwner = ExecutionDayOfOwnerKey(Rows.owner, day: run.day)
        var twice = ExecutionDay()
        twice.add(run)
        twice.add(run)
        let wrong = twice
        // Whoever believes a task's rows finds that its owner's do not agree with them.
        #expect(try await findings { try $0.put(ofTask, wrong) }.map(\.rule) == ["I5", "I5"])
        #expect(try await findings { try $0.delete(ofTask) }.map(\.rule) == ["I5", "I5"])
        #expect(try await findings { try $0.put(ofOwner, wrong) }.map(\.rule) == ["I5"])
        #expect(try await findings { try $0.delete(ofOwner) }.map(\.rule) == ["I5"])
        let other = ExecutionDayKey(ofTask.task, day: run.day + 1)
        #expect(try await findings { try $0.put(other, wrong) }.map(\.rule) == ["I5", "I5"])
        let orphan = ExecutionDayKey(Rows.task(9).id, day: run.day)
        #expect(try await findings { try $0.put(orphan, wrong) }.map(\.rule) == ["I14", "I5"])
        let stranger = ExecutionDayOfOwnerKey(Rows.factory, day: run.day)
        #expect(try await findings { try $0.put(stranger, wrong) }.map(\.rule) == ["I5"])
    }

    @Test("I1, I7: what expires and what waits for a report is where it is looked for, and nothing else")
    func whatComesNext() async throws {
        let expiry = try #require(ExpiryKey(Rows.expiring))
        #expect(try await findings { try $0.delete(expiry) }.map(\.rule) == ["I1"])
        var later = expiry
        later.milliseconds += 1
        let wrong = try await findings { [later] in try $0.put(later, []) }
        #expect(wrong.map(\.rule) == ["I1"])
        let promise = PromiseKey(Rows.promised.task, Rows.promised.execution)
        #expect(try await findings { try $0.delete(promise) }.map(\.rule) == ["I7"])
        let taken = PromiseKey(Rows.task(1).id, ExecutionID(Rows.ulid(102)))
        #expect(try await findings { try $0.put(taken, []) }.map(\.problem) == ["job 2 has the run"])
    }

    @Test("asks a database of an older release for no counts")
    func older() async throws {
        let found = try await findings { transaction in
            try transaction.deleteAll(AVSStorage.Rows<MigrationKey>.all)
            try transaction.deleteAll(AVSStorage.Rows<TaskCountKey>.all)
            try transaction.deleteAll(AVSStorage.Rows<ExecutionCountKey>.all)
            try transaction.deleteAll(AVSStorage.Rows<ExecutionCountOfOwnerKey>.all)
            try transaction.deleteAll(AVSStorage.Rows<ExecutionDayKey>.all)
            try transaction.deleteAll(AVSStorage.Rows<ExecutionDayOfOwnerKey>.all)
            try transaction.deleteAll(AVSStorage.Rows<ExpiryKey>.all)
            try transaction.deleteAll(AVSStorage.Rows<PromiseKey>.all)
        }
        #expect(found == [])
    }

    @Test("I4: an execution that is awaited and over")
    func awaitedAndOver() async throws {
        let found = try await findings { try $0.record(Rows.execution(2, of: Rows.task(1)), owner: Rows.owner) }
        #expect(Set(found.map(\.rule)) == ["I4", "I5"], "its index is given twice as well")
        let unmarked = try await findings { transaction in
            try transaction.delete(TriggerKey(Rows.task(1).id, ExecutionID(Rows.ulid(102))))
        }
        #expect(unmarked.map(\.rule).sorted() == ["I2", "I4", "I7"])
    }

    @Test(
        "I6: more runs promised than allowed",
        arguments: [(1, 1, 2, false), (2, 1, 2, true), (.max, 1, 5, true)] as [(Int64, Int64, Int64, Bool)])
    func promises(count: Int64, reserved: Int64, most: Int64, isFound: Bool) async throws {
        let found = try await findings { transaction in
            let task = Rows.task(1) { ($0.executionCount, $0.reserved, $0.maxExecution) = (count, reserved, most) }
            try transaction.put(TaskKey(status: .enabled, id: task.id), task)
        }
        #expect(found.map(\.rule) == (isFound ? ["I6"] : []))
    }

    @Test("I7: a job without its task, while it waits or runs", arguments: JobState.allCases)
    func orphan(state: JobState) async throws {
        let found = try await findings { try $0.put(JobKey(state, 7), Rows.job(7, of: Rows.task(9))) }
        #expect(found.map(\.rule) == (state == .waiting || state == .running ? ["I7"] : []))
        let renamed = try await findings { try $0.put(JobKey(state, 8), Rows.job(7, of: Rows.task(1))) }
        #expect(renamed.map(\.problem).contains("the record is job 7"))
    }

    @Test("KMS-4, I14: a secret that is not sealed, or that an organisation has and nobody, or the other way round")
    func secrets() async throws {
        let (acme, name) = (try #require(ScopeID("acme")), try SecretName("api_key"))
        let plain = try await findings {
            try $0.put(SecretKey(owner: Rows.owner, scope: .user, name: name).bytes, Array("hunter2".utf8))
        }
        #expect(plain.map(\.rule) == ["KMS-4"] && !plain[0].problem.contains("hunter2"))
        let secret = SecretKey(owner: Rows.owner, scope: .organisation(acme), name: name)
        let entry = SecretOfOwnerKey(owner: Rows.owner, organisation: acme, name: name)
        #expect(try await findings { try $0.delete(secret) }.map(\.rule) == ["I14"])
        #expect(try await findings { try $0.delete(entry) }.map(\.rule) == ["I14"])
        let cut = try await findings { transaction in
            let sealed = try #require(try transaction.get(secret.bytes))
            try transaction.put(secret.bytes, [sealed[0], 0xff])
        }
        #expect(cut.count == 1 && cut[0].problem.hasPrefix("value: "))
    }

    @Test("I14: recorded answers that are counted wrongly, or not at all")
    func answers() async throws {
        let count = AnswerCountKey(Rows.owner)
        #expect(try await findings { try $0.put(count, DecimalText(2)) }.map(\.rule) == ["I14"])
        #expect(try await findings { try $0.delete(count) }.map(\.rule) == ["I14"])
        #expect(
            try await findings { try $0.deleteAll(AVSStorage.Rows<AnswerKey>(under: Rows.owner)) }.map(\.rule) == [
                "I14"
            ])
    }

    @Test("I10, I14: fees that are counted wrongly, or not at all, or are another's")
    func fees() async throws {
        let account = FeeAccountKey(Rows.owner)
        #expect(try await findings { try $0.put(account, FeeAccount(records: 2)) }.map(\.rule) == ["I14"])
        #expect(try await findings { try $0.delete(account) }.map(\.rule) == ["I14"])
        #expect(try await findings { try $0.delete(Rows.feeRecord) }.map(\.rule) == ["I14"])
        let foreign = try await findings { transaction in
            let record = try #require(try transaction.value(for: Rows.feeRecord))
            try transaction.put(FeeRecordKey(owner: Rows.wallet, execution: record.executionID), record)
        }
        #expect(foreign.map(\.rule) == ["I10", "I14"])
    }

    @Test("I8: a wallet whose open operation is gone, over, or another's")
    func lanes() async throws {
        #expect(try await findings { try $0.delete(Rows.intent) }.map(\.rule) == ["I8"])
        let over = try await findings { transaction in
            var intent = try #require(try transaction.value(for: Rows.intent))
            intent.state = .final(.lost("x"))
            try transaction.put(Rows.intent, intent)
        }
        #expect(over.map(\.rule) == ["I8"])
        let foreign = LaneKey(chainID: 31_337, sender: Rows.owner)
        #expect(try await findings { try $0.put(foreign, Lane(open: Rows.intent)) }.map(\.rule) == ["I8"])
        #expect(try await findings { try $0.put(Rows.lane, Lane(nextNonce: UInt256(5))) }.isEmpty)
    }

    @Test("I2: an accepted occurrence whose execution is neither awaited nor recorded")
    func lostExecution() async throws {
        let found = try await findings { transaction in
            let digest = try #require(IdentityDigest(sha256: SHA256.hash(Array("b 1 2".utf8)).bytes))
            try transaction.put(
                DedupKey(Rows.task(1).id, digest),
                Dedup(executionID: ExecutionID(Rows.ulid(150)), identity: "b 1 2", position: nil, recordedAt: Rows.now))
        }
        #expect(found.map(\.rule) == ["I2"])
    }

    @Test("I3: an identity whose digest is another's could be accepted twice")
    func misplacedIdentity() async throws {
        let found = try await findings { transaction in
            let digest = try #require(IdentityDigest(sha256: [UInt8](repeating: 9, count: 32)))
            let execution = ExecutionID(Rows.ulid(102))
            try transaction.put(
                DedupKey(Rows.task(1).id, digest),
                Dedup(executionID: execution, identity: "b 1 2", position: nil, recordedAt: Rows.now))
        }
        #expect(found.map(\.problem) == ["the digest of 'b 1 2' is another"])
    }

    @Test("I5: indexes given twice or never, and more runs than the task counts")
    func indexes() async throws {
        let task = Rows.task(1)
        @Sendable func step() -> Step {
            Step(id: "s", name: "s", kind: .node(.branch), startAt: Rows.now, endAt: Rows.now)
        }
        let found = try await findings { transaction in
            for (number, index) in [(110, 0), (111, 9)] as [(UInt64, Int64)] {
                var execution = Rows.execution(1, of: task)
                execution.id = ExecutionID(Rows.ulid(number))
                execution.index = index
                execution.steps = [step()]
                try transaction.record(execution, owner: Rows.owner)
            }
        }
        #expect(found.allSatisfy { $0.rule == "I5" })
        #expect(
            Set(found.map(\.problem)) == [
                "index 0 is given more than once", "index 9 was never given: the counter is at 3",
                "2 recorded runs started, the task counts 1",
            ])
    }

    @Test("I6, I7: a task that counts other promises and runs than there are")
    func promisesAndRuns() async throws {
        let found = try await findings { transaction in
            let task = Rows.task(1) { ($0.reserved, $0.runsInFlight) = (2, 0) }
            try transaction.put(TaskKey(status: .enabled, id: task.id), task)
        }
        #expect(
            found.map(\.problem) == ["1 runs are promised, the task counts 2", "1 runs are claimed, the task counts 0"])
    }

    @Test("I7: a job without its claim, a claim without its job, a promise without either")
    func pairs() async throws {
        let execution = ExecutionID(Rows.ulid(103))
        let unclaimed = try await findings { try $0.delete(ClaimKey(execution)) }
        #expect(
            unclaimed.filter { $0.problem == "nobody claims execution \(execution)" }.count == 2, "the job, the journal"
        )
        let jobless = try await findings { try $0.delete(JobKey(.running, 3)) }
        #expect(jobless.count == 2 && jobless.allSatisfy { $0.rule == "I7" }, "the claim and the promise: \(jobless)")
        let unawaited = try await findings { try $0.delete(TriggerKey(Rows.task(1).id, execution)) }
        #expect(unawaited.contains { $0.rule == "I7" && $0.problem == "execution \(execution) is not awaited" })
    }

    @Test("I10: a record of another owner, wallet, task or execution than its key says")
    func owners() async throws {
        let stranger = Rows.factory
        let wallet = try await findings { transaction in
            try transaction.put(
                WalletKey(owner: Rows.owner, wallet: stranger),
                SmartWallet(owner: stranger, address: Rows.wallet, factory: nil, salt: .zero))
        }
        #expect(wallet.map(\.rule) == ["I10", "I10"])
        let history = try await findings { transaction in
            let other = Rows.execution(1, of: Rows.task(2))
            try transaction.put(HistoryKey(Rows.task(1).id, ExecutionID(Rows.ulid(101))), other)
        }
        #expect(history.map(\.rule) == ["I10"])
        let job = try await findings { transaction in
            var job = Rows.job(2, of: Rows.task(1))
            job.owner = stranger
            try transaction.put(JobKey(.waiting, 2), job)
        }
        #expect(job.map(\.rule) == ["I10"])
        let index = try await findings { transaction in
            try transaction.put(TaskByOwnerKey(owner: stranger, wallet: Rows.wallet, id: Rows.task(1).id), .enabled)
        }
        #expect(index.map(\.rule) == ["I10", "I1"], "and the stranger's tasks are not counted")
    }

    @Test("I11: a claim of an epoch that is yet to come")
    func epochs() async throws {
        for (epoch, isFound) in [(1, false), (0, true)] as [(UInt64, Bool)] {
            let found = try await findings { try $0.put(StoreMeta.epoch, BigEndianNumber(epoch).stored) }
            #expect(found.map(\.rule) == (isFound ? ["I11"] : []))
        }
    }

    @Test("I14: rows of a task that is gone (D-22)")
    func goneTask() async throws {
        let gone = Rows.task(9).id
        let found = try await findings { transaction in
            try transaction.put(HistoryKey(gone, ExecutionID(Rows.ulid(101))), Rows.execution(1, of: Rows.task(9)))
            try transaction.put(IndexCounterKey(gone), DecimalText(1))
            try transaction.put(DedupLowKey(gone), DedupLow())
        }
        #expect(found.map(\.rule).sorted() == ["I14", "I14", "I14", "I5"], "and its run is not counted")
    }

    @Test("I14: a key outside the tables, and rows that cannot be read")
    func strangers() async throws {
        let found = try await findings { transaction in
            try transaction.put(Array("strange".utf8), [1])
            try transaction.put(Array("q:default:z:00000000000000000001".utf8), [1])
            try transaction.put(ClaimKey(ExecutionID(Rows.ulid(5))).bytes, [0xff])
        }
        #expect(found.map(\.rule).sorted() == ["I14", "readable", "readable"])
    }

    @Test("goes through a database of many turns")
    func manyRows() async throws {
        let found = try await findings { transaction in
            for index in 0..<2_500 { try transaction.put(Array("zz\(index)".utf8), [1]) }
        }
        #expect(found.count == 2_500 && Set(found.map(\.key)).count == 2_500)
    }
}
