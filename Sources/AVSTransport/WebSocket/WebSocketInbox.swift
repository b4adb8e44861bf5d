import DequeModule
import Synchronization

/// A message of a WebSocket connection, complete.
public enum WebSocketMessage: Hashable, Sendable {
    case text(String)
    case binary([UInt8])

    var byteCount: Int {
        switch self {
        case .text(let text): text.utf8.count
        case .binary(let bytes): bytes.count
        }
    }

    /// The message's bytes, whichever kind it is: JSON comes as either.
    public var bytes: [UInt8] {
        switch self {
        case .text(let text): Array(text.utf8)
        case .binary(let bytes): bytes
        }
    }
}

/// Messages between the event loop and whoever reads them.
///
/// The event loop stops reading the socket while the inbox is full, so it holds at most its limits, the messages of one
/// read (64 KiB), and one message more.
final class WebSocketInbox: Sendable {
    private struct State {
        var messages = Deque<WebSocketMessage>()
        var byteCount = 0
        var end: Result<Void, WebSocketError>?
        var waiters = Deque<Waiter<WebSocketMessage?>>()
        var isFull = false
    }

    private let state = Mutex(State())
    private let countLimit: Int
    private let byteLimit: Int

    init(countLimit: Int, byteLimit: Int) {
        (self.countLimit, self.byteLimit) = (countLimit, byteLimit)
    }

    /// Returns false if the inbox is full now: read no more until ``next(whenRoomy:)`` says so.
    func push(_ message: WebSocketMessage) -> Bool {
        let (waiters, isFull) = state.withLock { state in
            guard state.end == nil else { return (Deque<Waiter<WebSocketMessage?>>(), false) }
            state.messages.append(message)
            state.byteCount += message.byteCount
            // Stays until the reader says that there is room: whoever stopped reading waits for that word.
            if state.messages.count >= countLimit || state.byteCount >= byteLimit { state.isFull = true }
            return (take(&state.waiters), state.isFull)
        }
        for waiter in waiters { offer(to: waiter) }
        return !isFull
    }

    /// What is in the inbox can still be read; then this. The first end counts.
    func finish(_ end: Result<Void, WebSocketError>) {
        let waiters = state.withLock { state in
            if state.end == nil { state.end = end }
            return take(&state.waiters)
        }
        for waiter in waiters { offer(to: waiter) }
    }

    /// The next message; nil after an orderly end.
    ///
    /// - Parameter whenRoomy: called if the inbox was full and is half empty now.
    func next(whenRoomy: () -> Void) async throws -> WebSocketMessage? {
        let waiter = Waiter<WebSocketMessage?>()
        offer(to: waiter)
        let message: WebSocketMessage?
        do {
            message = try await waiter.value()
        } catch {
            state.withLock { state in state.waiters.removeAll { $0 === waiter } }
            throw error
        }
        let isRoomy = state.withLock { state in
            guard state.isFull, state.messages.count <= countLimit / 2, state.byteCount <= byteLimit / 2 else {
                return false
            }
            state.isFull = false
            return true
        }
        if isRoomy { whenRoomy() }
        return message
    }

    /// Decides the waiter if there is something for it; else it waits in the queue. A message leaves the inbox only if
    /// the waiter takes it, so a cancelled one loses nothing.
    private func offer(to waiter: Waiter<WebSocketMessage?>) {
        waiter.resume {
            state.withLock { state in
                if let message = state.messages.popFirst() {
                    state.byteCount -= message.byteCount
                    return .success(message)
                }
                switch state.end {
                case .success: return .success(nil)
                case .failure(let error): return .failure(error)
                case nil:
                    state.waiters.append(waiter)
                    return nil
                }
            }
        }
    }

    private func take(_ waiters: inout Deque<Waiter<WebSocketMessage?>>) -> Deque<Waiter<WebSocketMessage?>> {
        defer { waiters = [] }
        return waiters
    }
}
