import AVSPrimitives
import AVSSchema
import AVSStorage

extension TaskEngine {
    /// Delivers messages until cancelled; returns at once where nobody is to be told anything.
    public func runOutbox() async throws {
        guard let outbox else { return }
        try await outbox.run()
    }

    /// Forgets messages that were given up long ago. Numbers ascend with time, so the old ones come first.
    func purgeDeadMessages(now: Timestamp) async throws -> Int {
        let age = configuration.times.outboxGivenUpAfter + configuration.times.jobRetention
        let isOver = { @Sendable (message: OutboxMessage) in
            message.isDead && now.duration(since: message.createdAt) > age
        }
        let old = try await store.readWithoutBlocking { snapshot in
            // Beside the messages the update changes their count.
            try snapshot.rows(Rows<OutboxKey>.all, limit: Self.sweepRowsPerUpdate - 1)
                .filter { isOver($0.value) }.map(\.key.number)
        }
        guard !old.isEmpty else { return 0 }
        try await store.update { transaction in
            for number in old { try transaction.removeFromOutbox(number) }
        }
        await outbox?.purged(old.count)
        return old.count
    }
}
