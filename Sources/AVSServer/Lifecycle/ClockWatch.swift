import AVSPrimitives
import Logging

/// Notices when the wall clock steps (TIM-5): each second it is compared with the monotonic one.
///
/// Nothing has to be recomputed here: what waits does so on the monotonic clock, and what compares wall times, such as
/// the ends of tasks, looks at the clock anew each time. So a step is an event to be seen, not a repair.
struct ClockWatch: Sendable {
    /// How the wall clock moved beside the monotonic one.
    struct Jump: Hashable, Sendable {
        /// Positive is forward.
        var by: Duration
    }

    /// A step beyond it is told; smaller ones are what time services do all day.
    let tolerance: Duration
    let time: any TimeSource
    let logger: Logger

    private static let period = Duration.seconds(1)

    /// Looks until cancelled.
    func run() async throws {
        var last = Reading(time)
        while true {
            try await time.sleep(until: last.monotonic + Self.period)
            let now = Reading(time)
            if let jump = now.jump(since: last, tolerance: tolerance) {
                logger.warning("clock_jump", metadata: ["by": "\(jump.by)", "now": "\(now.wall.iso8601)"])
            }
            last = now
        }
    }

    /// Both clocks at one moment.
    struct Reading: Sendable {
        let wall: Timestamp
        let monotonic: ContinuousClock.Instant

        init(_ time: any TimeSource) {
            wall = time.now
            monotonic = time.monotonic
        }

        func jump(since earlier: Reading, tolerance: Duration) -> Jump? {
            let moved = wall.duration(since: earlier.wall) - (monotonic - earlier.monotonic)
            return moved > tolerance || moved < .zero - tolerance ? Jump(by: moved) : nil
        }
    }
}
