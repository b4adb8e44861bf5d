import AVSModel
import AVSPrimitives
import OrderedCollections
import Synchronization

/// What waits to be sent to one operator: the latest change of each task, in the order of the changes.
///
/// Not a list of messages: a newer change of a task takes the place of an older unsent one (OVL-8), so its size is
/// bounded by the number of tasks, and the operator ends in the final state however quickly a task was switched (C4).
final class OperatorOutbox: Sendable {
    /// Why a stream ends.
    enum End: Sendable, Hashable {
        /// A newer stream of the same operator, or shutdown: ends with OK.
        case replaced
        case shuttingDown
        /// More changes wait than the limit allows: ends with RESOURCE_EXHAUSTED.
        case tooSlow
    }

    private struct State {
        var waiting: OrderedDictionary<TaskID, OperatorMessage> = [:]
        var end: End?
        var reader: CheckedContinuation<Void, Never>?
        /// Waits for room. Only one, since only the stream's own pass waits.
        var writer: CheckedContinuation<Void, Never>?

        /// The next change or the end, and who waits for the room that this makes.
        mutating func takeFirst(
            limit: Int
        ) -> (Result<OperatorMessage, StreamEnd>?, writer: CheckedContinuation<Void, Never>?) {
            if let end { return (.failure(StreamEnd(end)), writer.take()) }
            guard !waiting.isEmpty else { return (nil, nil) }
            let first = waiting.removeFirst().value
            return (.success(first), waiting.count > limit / 2 ? nil : writer.take())
        }
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    /// Changes that wait.
    var count: Int { state.withLock { $0.waiting.count } }

    /// Adds a change; the operator's stream ends when more than the limit wait.
    func put(_ message: OperatorMessage) {
        let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.end == nil else { return nil }
            state.waiting.removeValue(forKey: message.taskID)
            state.waiting[message.taskID] = message
            if state.waiting.count > limit { state.end = .tooSlow }
            return state.reader.take()
        }
        reader?.resume()
    }

    /// No further message is taken; what waits is dropped, because the next stream starts with everything.
    func close(_ end: End) {
        let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.end == nil { state.end = end }
            return state.reader.take()
        }
        reader?.resume()
        state.withLock { $0.writer.take() }?.resume()
    }

    /// Returns once at most half of what may wait does, or the stream has ended: a pass over all tasks goes on as fast
    /// as its operator takes them, so the limit is for changes.
    func waitForRoom() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumesNow = state.withLock { state in
                    guard state.waiting.count > limit / 2, state.end == nil, !Task.isCancelled else { return true }
                    state.writer = continuation
                    return false
                }
                if resumesNow { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.writer.take() }?.resume()
        }
    }

    /// The next change, or why the stream ends. Only one caller at a time.
    /// - Throws: `CancellationError` when the calling task is cancelled.
    func next() async throws -> Result<OperatorMessage, StreamEnd> {
        while true {
            try Task.checkCancellation()
            let (ready, writer) = state.withLock { $0.takeFirst(limit: limit) }
            writer?.resume()
            if let ready { return ready }
            await waitForChange()
        }
    }

    private func waitForChange() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumesNow = state.withLock { state in
                    guard state.waiting.isEmpty, state.end == nil, !Task.isCancelled else { return true }
                    state.reader = continuation
                    return false
                }
                if resumesNow { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.reader.take() }?.resume()
        }
    }
}

/// The end of an operator's stream, as an error so that a reading loop has one way out.
struct StreamEnd: Error, Hashable, Sendable {
    var reason: OperatorOutbox.End

    init(_ reason: OperatorOutbox.End) { self.reason = reason }
}
