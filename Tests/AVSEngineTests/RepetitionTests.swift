import AVSCrypto
import AVSInspection
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Testing

@testable import AVSEngine

@Suite("A call with an idempotency key")
struct RepetitionTests {
    private static func call(
        _ key: String, body: String = "body", owner: Address = Harness.owner
    ) throws -> RepeatableCall {
        RepeatableCall(
            owner: owner, identity: try #require(IdentityDigest(sha256: SHA256.hash(Array(key.utf8)).bytes)),
            requestDigest: SHA256.hash(Array(body.utf8)))
    }

    /// Creates a secret, whose answer is the moment at which that was.
    private static func create(_ harness: Harness, _ call: RepeatableCall, name: String = "n") async throws -> String {
        do {
            let receipt: Receipt<SecretChange> = harness.engine.receipt(for: call) {
                Array("\($0.entry.updatedAt.milliseconds)".utf8)
            }
            let change = try await harness.engine.secrets.create(
                SecretName(name), scope: .user, owner: call.owner, value: Sensitive("v"), receipt: receipt)
            return "\(change.entry.updatedAt.milliseconds)"
        } catch let repeated as RepeatedCall {
            return String(decoding: repeated.answer, as: UTF8.self)
        }
    }

    private static func harness(
        _ store: MemoryStore = MemoryStore(), _ change: (inout EngineLimits) -> Void = { _ in }
    ) throws -> Harness {
        let roots = TestRootKeys([try TestRootKeys.key(1)])
        let harness = Harness(store: store) {
            $0.rootKeys = roots
            change(&$0.limits)
        }
        try harness.engine.secrets.loadKeys()
        return harness
    }

    private static func answers(_ store: any KeyValueStore) throws -> Int {
        try store.read { try $0.rows(Rows<AnswerKey>.all, limit: 10_000).count }
    }

    @Test("is answered as the first time for a day, and then anew")
    func retention() async throws {
        let harness = try Self.harness()
        let first = try await Self.create(harness, Self.call("k"))
        harness.time.advance(by: .seconds(24 * 3_600 - 1))
        #expect(try await Self.create(harness, Self.call("k")) == first)
        #expect(try await harness.engine.earlierAnswer(to: Self.call("k")) == Array(first.utf8))
        await #expect(throws: EngineError.keyReused) { try await Self.create(harness, Self.call("k", body: "other")) }
        await #expect(throws: EngineError.keyReused) {
            try await harness.engine.earlierAnswer(to: Self.call("k", body: "other"))
        }
        harness.time.advance(by: .seconds(1))
        #expect(try await harness.engine.earlierAnswer(to: Self.call("k")) == nil)
        #expect(try await Self.create(harness, Self.call("k", body: "other")) != first)
        #expect(try harness.findings() == [])
    }

    @Test("is refused beyond the bound of its owner, and only there")
    func bound() async throws {
        let harness = try Self.harness { $0.answersPerOwner = 3 }
        for key in ["a", "b", "c", "a"] { _ = try await Self.create(harness, Self.call(key)) }
        let refusal = EngineError.quota(name: "idempotency keys per owner and day", limit: 3)
        await #expect(throws: refusal) { try await Self.create(harness, Self.call("d"), name: "not_written") }
        #expect(
            try await harness.engine.secrets.list(SecretPageRequest(limit: 10), owner: Harness.owner).rows.count == 1)
        _ = try await Self.create(harness, Self.call("d", owner: Harness.stranger))
        harness.time.advance(by: .seconds(24 * 3_600))
        #expect(try await harness.engine.sweep().purgedAnswers == 4)
        _ = try await Self.create(harness, Self.call("d"))
        #expect(try harness.findings() == [])
    }

    @Test("is forgotten by passes that each look at a part, whatever the number of answers")
    func swept() async throws {
        let harness = try Self.harness { $0.answersPerOwner = 100_000 }
        let total = 4_345
        try await harness.store.update { transaction in
            for number in 0..<total {
                let call = try Self.call("\(number)")
                // Every third one is young.
                let age = number.isMultiple(of: 3) ? Duration.zero : .seconds(24 * 3_600)
                let at = harness.time.now.adding(.zero - age)
                try transaction.put(
                    call.key, RecordedAnswer(requestDigest: call.requestDigest, answer: [], recordedAt: at))
            }
            try transaction.put(AnswerCountKey(Harness.owner), DecimalText(UInt64(total)))
        }
        var purged: [Int] = []
        for _ in 0..<4 { purged.append(try await harness.engine.sweep().purgedAnswers) }
        #expect(purged.reduce(0, +) == total - (total + 2) / 3)
        #expect(purged.allSatisfy { $0 <= 4_000 } && purged[0] > 0 && purged[1] > 0)
        #expect(try Self.answers(harness.store) == (total + 2) / 3)
        #expect(try harness.findings() == [])
    }

    @Test("and its change are written by one update: a refused change leaves no answer")
    func atomic() async throws {
        let harness = try Self.harness { $0.secretsPerOwner = 1 }
        _ = try await Self.create(harness, Self.call("a"), name: "one")
        await #expect(throws: EngineError.self) { try await Self.create(harness, Self.call("b"), name: "two") }
        #expect(try Self.answers(harness.store) == 1)
        #expect(try await harness.engine.secrets.delete(SecretName("one"), scope: .user, owner: Harness.owner) == .user)
        _ = try await Self.create(harness, Self.call("b"), name: "two")
        #expect(try Self.answers(harness.store) == 2)
    }
}
