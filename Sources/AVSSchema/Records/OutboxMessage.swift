public import AVSPrimitives
import AVSProto
public import AVSStorage

/// Something that the outside is to be told: written with the change that causes it, delivered afterwards until
/// somebody takes it or it is given up (XO-23).
public struct OutboxMessage: Hashable, Sendable {
    /// Names the event: the same whenever and however often it is delivered, so that a receiver can tell repetitions.
    public var eventID: String
    /// What the receiver is told.
    public var payload: [String: JSONValue]
    /// Must not give way to younger ones when the outbox is full.
    public var isUrgent: Bool
    public var createdAt: Timestamp
    public var attempts: UInt32 = 0
    public var nextAttemptAt: Timestamp
    /// Of the last attempt; empty before it.
    public var error = ""
    /// Given up: it stays for people to see.
    public var isDead = false
    /// Older messages that gave way when the outbox was full, and that this one stands for.
    public var merged: UInt64 = 0

    public init(eventID: String, payload: [String: JSONValue], isUrgent: Bool, createdAt: Timestamp) {
        self.eventID = eventID
        self.payload = payload
        self.isUrgent = isUrgent
        self.createdAt = createdAt
        nextAttemptAt = createdAt
    }
}

extension OutboxMessage: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let record = try Stored.OutboxRecord(serialized: bytes)
        guard case .object(let payload) = record.payload else {
            throw MalformedValue("a message whose payload is no object")
        }
        self.init(
            eventID: record.eventId, payload: payload, isUrgent: record.isUrgent,
            createdAt: Timestamp(milliseconds: record.createdAt))
        attempts = record.attempts
        nextAttemptAt = Timestamp(milliseconds: record.nextAttemptAt)
        error = record.error
        isDead = record.isDead
        merged = record.merged
    }

    public var stored: [UInt8] {
        var record = Stored.OutboxRecord()
        record.eventId = eventID
        record.payload = .object(payload)
        record.isUrgent = isUrgent
        record.createdAt = createdAt.milliseconds
        record.attempts = attempts
        record.nextAttemptAt = nextAttemptAt.milliseconds
        record.error = error
        record.isDead = isDead
        record.merged = merged
        return record.serialized()
    }
}
