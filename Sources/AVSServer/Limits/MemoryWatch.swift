import AVSModel
public import AVSPrimitives
import AVSRPC
import AVSStorage
public import Logging
public import ServiceLifecycle
import Synchronization

/// How much is left of what the process may have of memory, and what is not done any more because of that (OVL-9).
public enum MemoryPressure: Int, Comparable, CaseIterable, Sendable {
    case none
    /// No further connections, no simulations.
    case high
    /// No reads either, nothing new, and a quarter of the message buffers.
    case severe
    /// The process ends in good order, before the kernel ends it in the middle of something.
    case exhausted

    public static func < (left: MemoryPressure, right: MemoryPressure) -> Bool { left.rawValue < right.rawValue }

    /// Percent of the budget above which it begins.
    var beginsAbove: Int {
        switch self {
        case .none: 0
        case .high: 80
        case .severe: 90
        case .exhausted: 95
        }
    }

    /// The most urgent work that is refused; nil if all is done.
    var refusesFrom: WorkClass? {
        switch self {
        case .none: nil
        case .high: .trial
        case .severe, .exhausted: .read
        }
    }

    /// Points below its beginning at which a state is over, so that it does not come and go with every message.
    static let slack = 2

    /// What follows when so much is resident.
    func next(residentBytes: Int, budgetBytes: Int) -> MemoryPressure {
        let percent = Double(residentBytes) / Double(max(1, budgetBytes)) * 100
        let reached = MemoryPressure.allCases.last { percent > Double($0.beginsAbove) } ?? .none
        guard reached < self else { return reached }
        let left = MemoryPressure.allCases.last { percent > Double($0.beginsAbove - Self.slack) } ?? .none
        return min(self, left)
    }
}

/// The process used more than 95 % of its memory and ended, to be started again.
public struct MemoryExhausted: Error, Hashable, Sendable, CustomStringConvertible {
    public var residentBytes: Int
    public var budgetBytes: Int

    public var description: String {
        "\(residentBytes) bytes of memory are in use, memory.budget allows \(budgetBytes); a new start begins with less"
    }
}

/// Looks four times a second at how much memory the process has resident, and says what has to stop because of it.
///
/// What is bounded by itself, queues, caches and buffers, makes no more than these bounds together; this is for what
/// they come to when the machine has less.
public final class MemoryWatch: Service {
    public let budgetBytes: Int
    private let measure: @Sendable () -> Int?
    private let relieve: @Sendable () -> Void
    private let time: any TimeSource
    private let logger: Logger
    private let seen = Atomic<Int>(0)
    private let resident = Atomic<Int>(0)
    /// Since memory is short.
    private let looks = Atomic<Int>(0)

    static let period = Duration.milliseconds(250)
    /// Looks from one relief to the next: it locks the allocator for some milliseconds.
    static let looksPerRelief = 4

    /// - Parameters:
    ///   - measure: bytes that the process has resident; nil if the system does not tell.
    ///   - relieve: gives back what is free and still resident, so that a rush that is over does not count for ever.
    public init(
        budgetBytes: Int, time: any TimeSource, logger: Logger, relieve: @escaping @Sendable () -> Void = {},
        measure: @escaping @Sendable () -> Int?
    ) {
        self.budgetBytes = budgetBytes
        self.measure = measure
        self.relieve = relieve
        self.time = time
        self.logger = logger
    }

    public var pressure: MemoryPressure { MemoryPressure(rawValue: seen.load(ordering: .relaxed)) ?? .none }

    /// Looks until the service ends.
    /// - Throws: ``MemoryExhausted``.
    public func run() async throws {
        try await cancelWhenGracefulShutdown {
            do { try await self.watch() } catch is CancellationError {}
        }
    }

    func watch() async throws {
        while true {
            if try look() == .exhausted {
                throw MemoryExhausted(residentBytes: resident.load(ordering: .relaxed), budgetBytes: budgetBytes)
            }
            try await time.sleep(until: time.monotonic + Self.period)
        }
    }

    /// One look.
    func look() throws -> MemoryPressure {
        try Task.checkCancellation()
        guard let bytes = measure() else { return pressure }
        let before = pressure
        defer { relieveIfShort() }
        let after = before.next(residentBytes: bytes, budgetBytes: budgetBytes)
        resident.store(bytes, ordering: .relaxed)
        seen.store(after.rawValue, ordering: .relaxed)
        if before != after {
            logger.log(
                level: after > before ? .warning : .info, "memory",
                metadata: ["pressure": "\(after)", "resident": "\(bytes)", "budget": "\(budgetBytes)"])
        }
        return after
    }

    private func relieveIfShort() {
        guard pressure >= .high else { return looks.store(0, ordering: .relaxed) }
        let count = looks.add(1, ordering: .relaxed).oldValue
        if count.isMultiple(of: Self.looksPerRelief) { relieve() }
    }

    // MARK: What is refused

    /// Why a connection is not taken; nil if it is.
    var connectionRefusal: String? { pressure >= .high ? "memory is short" : nil }

    /// - Throws: RESOURCE_EXHAUSTED for work that has to wait until there is more memory.
    func admit(_ workClass: WorkClass, spread: Int) throws(RPCStatus) {
        let pressure = pressure
        guard let refused = pressure.refusesFrom, workClass >= refused else { return }
        throw .passing(
            .tooManyRequests,
            "memory is short: over \(pressure.beginsAbove) % of \(budgetBytes) bytes are in use",
            limit: "memory.budget", retryAfter: .seconds(2), spread: spread)
    }
}
