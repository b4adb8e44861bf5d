/// Where a task is in its life.
///
/// The raw value is the number on the wire and in the `u:` index; the letter is part of the task's storage key.
/// - Source: aggregator-api 4.2 and 5.1.
public enum TaskStatus: Int32, Sendable, Hashable, CaseIterable {
    /// Being checked for triggers.
    case enabled = 0
    /// Its limit of runs or its end was reached.
    case completed = 1
    /// Given up: its configuration cannot work.
    case failed = 2
    /// Cancelled by its owner; cannot be enabled again.
    case canceled = 3
    /// At least one run is in progress.
    case running = 4
    /// Switched off; can be switched on again.
    case disabled = 5

    /// The letter in the storage key `t:<letter>:<task id>`.
    public var letter: Character {
        switch self {
        case .enabled: "a"
        case .completed: "c"
        case .failed: "f"
        case .canceled: "l"
        case .running: "x"
        case .disabled: "i"
        }
    }

    /// - Returns: `nil` for a letter that no status has.
    public init?(letter: Character) {
        guard let status = Self.allCases.first(where: { $0.letter == letter }) else { return nil }
        self = status
    }

    /// The name as `previous_status` strings carry it.
    public var name: String {
        switch self {
        case .enabled: "Enabled"
        case .completed: "Completed"
        case .failed: "Failed"
        case .canceled: "Canceled"
        case .running: "Running"
        case .disabled: "Disabled"
        }
    }

    /// Whether no trigger can start a run any more, whatever its owner does.
    public var isTerminal: Bool {
        switch self {
        case .completed, .failed, .canceled: true
        case .enabled, .running, .disabled: false
        }
    }

    /// Whether a trigger may start a run.
    public var acceptsTriggers: Bool { self == .enabled || self == .running }
}
