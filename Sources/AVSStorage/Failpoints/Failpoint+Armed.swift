#if Failpoints
    import Glibc
    import Synchronization

    extension Failpoint {
        /// What happens at a failpoint.
        public enum Action: Hashable, Sendable {
            /// SIGKILL to ourselves: nothing is flushed, nothing is closed.
            case kill
            /// The hit throws ``FailpointReached``.
            case `throw`
            /// The thread sleeps for this many milliseconds.
            case sleep(milliseconds: UInt32)
        }

        private struct Arming {
            var action: Action
            var hitsLeft: Int
        }

        /// Armed failpoints, and how often each was hit.
        private struct Board {
            var armed: [Failpoint: Arming]
            var hits: [Failpoint: Int] = [:]
        }

        private static let board = Mutex(
            Board(armed: parse(getenv("AVS_FAILPOINTS").map { String(cString: $0) } ?? "")))

        /// Arms a failpoint: it acts once, at the hit of that number from now on.
        public static func arm(_ failpoint: Failpoint, _ action: Action, afterHits hits: Int = 1) {
            board.withLock { $0.armed[failpoint] = Arming(action: action, hitsLeft: hits) }
        }

        public static func disarmAll() {
            board.withLock { $0.armed = [:] }
        }

        public static func isArmed(_ failpoint: Failpoint) -> Bool {
            board.withLock { $0.armed[failpoint] != nil }
        }

        /// How often the process came by: shows that a test reached what it meant to reach.
        public static func hits(_ failpoint: Failpoint) -> Int {
            board.withLock { $0.hits[failpoint] ?? 0 }
        }

        /// Acts if the failpoint is armed and this is its hit.
        public static func hit(_ failpoint: Failpoint) throws(FailpointReached) {
            switch due(failpoint) {
            case nil: return
            case .kill: kill(getpid(), SIGKILL)
            case .throw: throw FailpointReached(failpoint: failpoint)
            case .sleep(let milliseconds): usleep(milliseconds.multipliedReportingOverflow(by: 1000).partialValue)
            }
        }

        private static func due(_ failpoint: Failpoint) -> Action? {
            board.withLock { board in
                board.hits[failpoint, default: 0] += 1
                guard var arming = board.armed[failpoint] else { return nil }
                arming.hitsLeft -= 1
                board.armed[failpoint] = arming.hitsLeft > 0 ? arming : nil
                return arming.hitsLeft > 0 ? nil : arming.action
            }
        }

        /// Parses `AVS_FAILPOINTS`. A word that is not understood ends the process: a crash test that tests nothing
        /// would look like a success.
        private static func parse(_ text: String) -> [Failpoint: Arming] {
            var armed: [Failpoint: Arming] = [:]
            for entry in text.split(separator: ";") {
                let sides = entry.split(separator: "=", maxSplits: 1).map(String.init)
                let right = sides.last?.split(separator: "@").map(String.init) ?? []
                guard sides.count == 2, let failpoint = Failpoint(rawValue: sides[0]),
                    let action = right.first.flatMap(Action.init(text:)),
                    let hits = Int(right.count > 1 ? right[1] : "1")
                else {
                    let message = "AVS_FAILPOINTS: \(entry) is not name=kill, name=throw or name=sleep:MS, with @N\n"
                    write(STDERR_FILENO, message, message.utf8.count)
                    exit(64)
                }
                armed[failpoint] = Arming(action: action, hitsLeft: hits)
            }
            return armed
        }
    }

    extension Failpoint.Action {
        fileprivate init?(text: String) {
            switch text {
            case "kill": self = .kill
            case "throw": self = .throw
            default:
                guard text.hasPrefix("sleep:"), let milliseconds = UInt32(text.dropFirst(6)) else { return nil }
                self = .sleep(milliseconds: milliseconds)
            }
        }
    }
#endif
