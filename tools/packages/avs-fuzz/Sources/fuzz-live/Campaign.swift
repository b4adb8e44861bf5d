import Foundation
import FuzzInputs
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Something alive that takes bytes from peers over sockets.
protocol LiveTarget: Sendable {
    /// What the command line calls it.
    static var name: String { get }

    init(campaign: Campaign)

    /// Starts it, throws these inputs at it, sees that it still serves, and ends it.
    ///
    /// - Returns: how many were taken: each was answered past, or ended its connection.
    /// - Throws: ``Finding``.
    func round(_ numbers: Range<UInt64>) async throws -> UInt64
}

/// What all rounds of a run share.
struct Campaign: Sendable {
    let corpora: Corpora
    let seed: UInt64
    let threads: Int
    let end: ContinuousClock.Instant?
    /// Where each thread writes what input it is at.
    let progress: Int32

    var isOver: Bool { end.map { ContinuousClock.now >= $0 } ?? false }

    /// Deals numbers out to threads, which may block.
    ///
    /// - Parameter body: gets the thread's number, its share, and whom to tell which input it is at.
    func onThreads(
        _ numbers: Range<UInt64>,
        _ body: @escaping @Sendable (_ thread: Int, Range<UInt64>, _ note: (UInt64) -> Void) throws -> UInt64
    ) async throws -> UInt64 {
        let share = (UInt64(numbers.count) + UInt64(threads) - 1) / UInt64(threads)
        return try await withThrowingTaskGroup(of: UInt64.self) { group in
            for thread in 0..<threads {
                let first = min(numbers.upperBound, numbers.lowerBound + UInt64(thread) * share)
                let range = first..<min(numbers.upperBound, first + share)
                group.addTask { try await onThread { try body(thread, range) { note($0, of: thread) } } }
            }
            return try await group.reduce(0, +)
        }
    }

    func note(_ number: UInt64, of thread: Int) {
        withUnsafeBytes(of: number) { _ = pwrite(progress, $0.baseAddress, $0.count, 8 * thread) }
    }
}

/// Runs what blocks on a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Result { try body() }) }
        thread.stackSize = 4 << 20
        thread.start()
    }
}

/// Raised once.
final class Flag: Sendable {
    private let raised = Mutex(false)
    var isRaised: Bool { raised.withLock { $0 } }
    func raise() { raised.withLock { $0 = true } }
}
