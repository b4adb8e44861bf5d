/// Where time comes from (TIM-3). Passed in everywhere, so that tests turn the hands.
public protocol TimeSource: Sendable {
    /// Wall time: what people, tokens and schedules mean. It can step both ways.
    var now: Timestamp { get }

    /// For durations and deadlines within this process. It never steps (TIM-1).
    var monotonic: ContinuousClock.Instant { get }

    /// Waits until `deadline`; returns at once if it has passed.
    ///
    /// - Throws: `CancellationError` as soon as the surrounding task is cancelled.
    func sleep(until deadline: ContinuousClock.Instant) async throws
}
