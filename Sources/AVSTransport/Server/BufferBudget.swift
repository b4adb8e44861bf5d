import Synchronization

/// What all connections of a server have buffered, against one limit (OV-3, LIM-4).
///
/// Connections report in steps, so that a small call, which buffers nothing beyond its turn, never touches it.
final class BufferBudget: Sendable {
    /// A connection's own number may be off by this much.
    static let stepBytes = 64 * 1024

    private let fullBytes: Int
    private let isTight: (@Sendable () -> Bool)?
    private let total = Atomic<Int>(0)

    /// - Parameter isTight: whether the limit is a quarter of what it is otherwise.
    init(limitBytes: Int, isTight: (@Sendable () -> Bool)? = nil) {
        fullBytes = limitBytes
        self.isTight = isTight
    }

    var limitBytes: Int { isTight?() == true ? fullBytes / 4 : fullBytes }

    var bytes: Int { total.load(ordering: .relaxed) }

    /// New calls are refused.
    var isSpent: Bool { bytes > limitBytes }

    /// Connections that hold much are drained as well.
    var isOverspent: Bool { bytes / 2 > limitBytes }

    func report(change: Int) { total.add(change, ordering: .relaxed) }
}
