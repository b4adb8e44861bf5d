public import AVSSchema

/// Takes messages to whoever is to have them.
public protocol NotificationSink: Sendable {
    /// Returns once the receiver has taken the message. The same message may come again, under the same
    /// ``OutboxMessage/eventID``.
    ///
    /// Always comes to an end, and soon after the surrounding task is cancelled.
    /// - Throws: whatever kept the receiver from taking it; then it is delivered again later.
    func deliver(_ message: OutboxMessage) async throws
}
