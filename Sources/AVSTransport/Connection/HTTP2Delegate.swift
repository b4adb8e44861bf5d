import AVSHTTP2
import NIOCore

/// What a connection is about: the calls on it. The handler below moves bytes and keeps time, its delegate keeps calls.
protocol HTTP2Delegate: AnyObject {
    /// One event. `.data` events name ranges of `bytes`.
    func handle(_ event: HTTP2Event, of bytes: borrowing ByteBuffer)
    /// The deadline of a stream's call has passed.
    func deadlinePassed(_ stream: StreamID)
    /// A duty of the delegate's own is due.
    func handle(_ duty: ConnectionTimers.Duty)
    /// Nothing will come or go any more. Called once.
    func connectionEnded(_ end: ConnectionEnd)
    /// The session wrote what the socket took.
    func flushed()
    /// Asked after each read: whether the calls have buffered too much, so that the handler reads no more until they
    /// have not (OV-3).
    func mustPauseReading() -> Bool
    /// Asked before windows grow to this (FC-10).
    func mayGrowWindows(to bytes: Int) -> Bool
    /// Calls that are open.
    var callCount: Int { get }
    func isOpen(_ stream: StreamID) -> Bool
}

extension HTTP2Delegate {
    /// For those without a budget.
    func mayGrowWindows(to bytes: Int) -> Bool { true }
}

/// Why a connection ended.
enum ConnectionEnd: Hashable {
    /// Both sides were done.
    case finished
    /// The peer closed the socket, or the network did.
    case lost(String)
    /// The peer broke a rule or passed a limit.
    case refused(String)
    /// We closed it: shutdown, keepalive, idle.
    case closed(String)

    var reason: String {
        switch self {
        case .finished: "the connection was finished"
        case .lost(let text), .refused(let text), .closed(let text): text
        }
    }
}
