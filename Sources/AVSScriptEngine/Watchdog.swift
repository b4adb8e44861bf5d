import AVSScriptFrames
import Glibc
import Synchronization

/// Ends the process when a script holds too much memory or runs too long, every two milliseconds, from a thread of its
/// own: one long call inside the engine is not interrupted by the engine (JS-4).
final class Watchdog: Sendable {
    private let statistics: Int32
    private let limitPages: Int
    private let pageBytes: Int
    /// A count that ``guardProcess()`` waits for while nothing runs.
    private let wake: Int32
    private let clock: WorkerClock
    private let state = Mutex(State())

    private struct State {
        var deadline: ContinuousClock.Instant?
        /// How often in a row the watching thread found no script.
        var idleLooks = 0
        /// The watching thread waits for ``wake``.
        var isParked: Bool { idleLooks > Watchdog.idleLooksLimit }
    }

    /// The watching thread goes on looking for so long: to wake it for each of many small scripts costs more.
    private static let idleLooksLimit = 25

    /// What the engine's own limit may be late by (JS-4).
    static let grace: Duration = .milliseconds(250)

    /// - Parameter statistics: `/proc/self/statm`, opened before files were forbidden.
    init(statistics: Int32, limitBytes: Int, wake: Int32, clock: @escaping WorkerClock) {
        self.statistics = statistics
        self.wake = wake
        self.clock = clock
        pageBytes = max(Int(sysconf(Int32(_SC_PAGESIZE))), 1)
        limitPages = limitBytes / pageBytes
    }

    /// Memory that the process holds now; nil if the kernel does not tell.
    var residentBytes: Int? { residentPages.map { $0 * pageBytes } }

    private var residentPages: Int? {
        var text = [UInt8](repeating: 0, count: 128)
        let count = unsafe text.withUnsafeMutableBytes { unsafe pread(statistics, $0.baseAddress, $0.count, 0) }
        guard count > 0 else { return nil }
        let fields = text.prefix(count).split(separator: UInt8(ascii: " "))
        return fields.count > 1 ? Int(String(decoding: fields[1], as: UTF8.self)) : nil
    }

    // MARK: The thread that runs scripts

    func begin(_ limit: Duration) {
        let wakes = state.withLock { state in
            state.deadline = clock() + limit + Self.grace
            defer { state.idleLooks = 0 }
            return state.isParked
        }
        guard wakes else { return }
        var one: UInt64 = 1
        _ = unsafe withUnsafeBytes(of: &one) { unsafe write(wake, $0.baseAddress, $0.count) }
    }

    func end() { state.withLock { $0.deadline = nil } }

    // MARK: The thread that watches

    func guardProcess() -> Never {
        while true {
            let (deadline, isParked) = state.withLock { state in
                state.idleLooks = state.deadline == nil ? state.idleLooks + 1 : 0
                return (state.deadline, state.isParked)
            }
            if isParked {
                var count: UInt64 = 0
                _ = unsafe withUnsafeMutableBytes(of: &count) { unsafe read(wake, $0.baseAddress, $0.count) }
                continue
            }
            if let deadline {
                if clock() > deadline { _exit(WorkerExit.timeout.rawValue) }
                if let pages = residentPages, pages > limitPages { _exit(WorkerExit.memory.rawValue) }
            }
            var pause = timespec(tv_sec: 0, tv_nsec: 2_000_000)
            _ = unsafe nanosleep(&pause, nil)
        }
    }
}
