public import AVSStorage

extension Transaction {
    /// Messages in the outbox at most (reliability-security 4.3).
    public static var outboxLimit: UInt64 { 100_000 }
    /// Among so many of the oldest one is sought that gives way: the search has a bound.
    private static var outboxSearchRows: Int { 100 }

    /// Writes a message with the change that causes it (XO-23).
    ///
    /// When the outbox is full the oldest message that is not urgent gives way, and the next such one counts it
    /// (``OutboxMessage/merged``). Only where the oldest are all urgent does an urgent one give way.
    /// - Parameter limit: messages at most; another than the usual one in tests.
    /// - Returns: its number.
    public mutating func post(_ message: OutboxMessage, limit: UInt64 = Transaction.outboxLimit) throws -> UInt64 {
        let number = (try value(for: OutboxNumberKey())?.value ?? 0) &+ 1
        if try value(for: OutboxCountKey())?.value ?? 0 >= limit { try makeRoomInOutbox() }
        try put(OutboxNumberKey(), DecimalText(number))
        try put(OutboxKey(number), message)
        try countOutbox { $0 &+ 1 }
        return number
    }

    /// Takes a message out; does nothing if it is not there.
    public mutating func removeFromOutbox(_ number: UInt64) throws {
        guard try contains(OutboxKey(number)) else { return }
        try delete(OutboxKey(number))
        try countOutbox { $0 > 0 ? $0 - 1 : 0 }
    }

    private mutating func makeRoomInOutbox() throws {
        let oldest = try rows(Rows<OutboxKey>.all, limit: Self.outboxSearchRows)
        let plain = oldest.filter { !$0.value.isUrgent }
        guard let gone = plain.first ?? oldest.first else { return }
        try removeFromOutbox(gone.key.number)
        guard let heir = plain.dropFirst().first ?? oldest.first(where: { $0.key != gone.key }) else { return }
        var message = heir.value
        message.merged = message.merged &+ gone.value.merged &+ 1
        try put(heir.key, message)
    }

    private mutating func countOutbox(_ change: (UInt64) -> UInt64) throws {
        try put(OutboxCountKey(), DecimalText(change(try value(for: OutboxCountKey())?.value ?? 0)))
    }
}
