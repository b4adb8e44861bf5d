import AVSEthereum
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSWorkflow
import BigInt

/// The records of what wallets are about to do, do and did: each change is one update.
///
/// - Source: reliability-security XO-14, XO-16, XO-18.
struct IntentBook: Sendable {
    /// Of one execution; a record is about 2 KB.
    private static let effectsPerExecution = 1_000
    /// How long the same call of a user, by its idempotency key, is the same effect.
    private static let repetition = Duration.seconds(24 * 3_600)

    let store: any KeyValueStore
    /// The start of this process.
    let epoch: UInt64

    /// What an earlier order of the same name left behind.
    func find(_ order: WalletOrder, now: Timestamp) async throws -> (key: IntentKey, intent: Intent)? {
        let found = try await store.readWithoutBlocking { try $0.intent(of: order) }
        guard let found else { return nil }
        let isOld =
            !order.isOfRun && found.intent.isFinal && now.duration(since: found.intent.updatedAt) > Self.repetition
        return isOld ? nil : found
    }

    /// Whether nothing else of the order's execution has been sent.
    func isFirst(_ order: WalletOrder) async throws -> Bool {
        try await store.readWithoutBlocking { snapshot in
            try snapshot.rows(Rows<IntentKey>(under: order.execution), limit: 2).allSatisfy {
                $0.value.step == order.step
            }
        }
    }

    func lane(_ key: LaneKey) async throws -> (lane: Lane, open: Intent?) {
        try await store.readWithoutBlocking { snapshot in
            let lane = try snapshot.value(for: key) ?? Lane()
            return (lane, try lane.open.flatMap { try snapshot.value(for: $0) })
        }
    }

    /// Whether a run that will go on asks for this effect.
    func isAwaited(_ key: IntentKey) async throws -> Bool {
        try await store.readWithoutBlocking { try $0.value(for: ClaimKey(key.execution)) != nil }
    }

    /// Writes what is about to be sent, and takes the wallet's lane. Durable when it returns.
    /// - Throws: ``LostClaim``; ``WalletCallFailure/notSent(_:)`` when the lane is taken, which is a fault of ours.
    func open(_ intent: Intent, for order: WalletOrder) async throws -> IntentKey {
        let lane = LaneKey(chainID: order.chainID, sender: order.wallet)
        return try await store.update { [epoch] transaction in
            if order.isOfRun, try transaction.value(for: ClaimKey(order.execution))?.epoch != epoch {
                throw LostClaim(execution: order.execution)
            }
            let key: IntentKey
            if let known = try transaction.intent(of: order) {
                key = known.key
            } else {
                let limit = Self.effectsPerExecution
                let count = try transaction.rows(Rows<IntentKey>(under: order.execution), limit: limit).count
                guard count < limit, let index = KeyIndex(count) else {
                    throw WalletCallFailure.notSent("an execution has at most \(limit) effects on chains")
                }
                key = IntentKey(order.execution, index)
            }
            var state = try transaction.value(for: lane) ?? Lane()
            guard state.open == nil || state.open == key else {
                throw WalletCallFailure.notSent("another user operation of wallet \(order.wallet) is under way")
            }
            state.open = key
            try transaction.put(key, intent)
            try transaction.put(lane, state)
            return key
        }
    }

    /// The bundler has it, or may have it.
    func markSent(_ key: IntentKey, now: Timestamp) async throws {
        try await store.updateUnsynced { transaction in
            guard var intent = try transaction.value(for: key), case .allocated = intent.state else { return }
            intent.state = .sent
            intent.updatedAt = now
            try transaction.put(key, intent)
        }
    }

    /// The bundler refused it: it never was, and its nonce is free.
    func discard(_ key: IntentKey, lane: LaneKey) async throws {
        try await store.update { transaction in
            try transaction.delete(key)
            try transaction.leave(lane, key, nextNonce: nil)
        }
    }

    /// What came of it is known.
    func finish(_ key: IntentKey, _ outcome: Intent.Outcome, now: Timestamp) async throws {
        try await store.update { transaction in
            guard var intent = try transaction.value(for: key) else { return }
            intent.state = .final(outcome)
            intent.updatedAt = now
            try transaction.put(key, intent)
            let next: UInt256?
            if case .carriedOut = outcome { next = UInt256(intent.nonce.magnitude + 1) } else { next = nil }
            try transaction.leave(LaneKey(chainID: intent.chainID, sender: intent.sender), key, nextNonce: next)
        }
    }

    /// The chain knows better: the number after the last one used is this.
    func reset(_ key: LaneKey, to nonce: UInt256) async throws {
        try await store.update { transaction in
            var lane = try transaction.value(for: key) ?? Lane()
            lane.nextNonce = nonce
            try transaction.put(key, lane)
        }
    }
}

extension StoreReader where Self: ~Copyable {
    fileprivate func intent(of order: WalletOrder) throws -> (key: IntentKey, intent: Intent)? {
        try rows(Rows<IntentKey>(under: order.execution), limit: 1_000).first { $0.value.step == order.step }
            .map { ($0.key, $0.value) }
    }
}

extension AVSStorage.Transaction {
    fileprivate mutating func leave(_ key: LaneKey, _ open: IntentKey, nextNonce: UInt256?) throws {
        var lane = try value(for: key) ?? Lane()
        if lane.open == open { lane.open = nil }
        if let nextNonce, nextNonce > lane.nextNonce { lane.nextNonce = nextNonce }
        try put(key, lane)
    }
}
