import NIOCore

/// Spreads inflating over the turns of one event loop, so that compressed messages take turns with all else (CMP-6).
///
/// NIO runs whatever `execute` adds before it looks at its sockets again, so only a timer in the future ends a turn.
/// Lives on the loop.
final class InflateTurns {
    /// What may come out in one turn: a few milliseconds of work. A message that begins below it may end above it.
    static let bytesPerTurn = 1 << 20
    /// Long enough to look at the sockets, and short enough to be nothing beside the inflating.
    static let pause = TimeAmount.milliseconds(1)

    private let eventLoop: any EventLoop
    private var bytesLeft = InflateTurns.bytesPerTurn
    /// Calls that have a message and no turn; each is in it once, and calls are bounded per connection.
    private var waiting: [any InflatingCall] = []

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Whether something may be inflated now.
    var isOpen: Bool { bytesLeft > 0 }

    /// Counts what came out.
    func charge(_ bytes: Int) { bytesLeft -= bytes }

    /// Calls ``InflatingCall/inflateTurnBegan()`` in the next turn.
    func wait(_ call: any InflatingCall) {
        waiting.append(call)
        guard waiting.count == 1 else { return }
        eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            let calls = self.waiting
            self.waiting = []
            self.bytesLeft = Self.bytesPerTurn
            for call in calls { call.inflateTurnBegan() }
        }
    }
}

/// A call that may have to wait before its next message is inflated.
protocol InflatingCall: AnyObject {
    func inflateTurnBegan()
}
