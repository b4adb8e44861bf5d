import Dispatch
import Glibc

extension DispatchTime {
    /// A monotonic instant that far from now; at most a day, which is longer than anything here waits.
    static func after(_ duration: Duration) -> DispatchTime {
        let bounded = min(max(duration, .zero), .seconds(86_400))
        let nanoseconds = bounded.components.seconds * 1_000_000_000 + bounded.components.attoseconds / 1_000_000_000
        return .now() + .nanoseconds(Int(nanoseconds))
    }
}

/// The user whose files we may use.
func effectiveUserID() -> UInt32 { geteuid() }

/// The wall clock, for comparison with times that the library has noted.
func wallClockSeconds() -> Int { time(nil) }
