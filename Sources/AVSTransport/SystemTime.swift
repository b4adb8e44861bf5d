public import AVSPrimitives
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The clocks of the machine (TIM-3). The only place that reads them.
public struct SystemTime: TimeSource {
    private let sleepers = Sleepers { ContinuousClock.now }

    public init() {}

    /// The system's real-time clock, to the millisecond.
    public var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    public var monotonic: ContinuousClock.Instant { ContinuousClock.now }

    public func sleep(until deadline: ContinuousClock.Instant) async throws {
        try await sleepers.sleep(until: deadline)
    }
}
