public import AVSRPC

/// How long to wait before the stream is opened again (6.1).
public struct ReconnectPolicy: Hashable, Sendable {
    /// How a connection ended.
    public enum End: Hashable, Sendable {
        /// The aggregator ended the stream in good order: it goes away, or has a newer stream of ours.
        case closed
        /// RESOURCE_EXHAUSTED: we came back too fast, or read too slowly.
        case refused
        /// Nobody was there, or the connection broke.
        case unreachable
        /// Anything else, such as a signature that is not accepted: nothing that haste would mend.
        case failed

        public init(_ status: RPCStatus) {
            switch status.code {
            case .ok: self = .closed
            case .resourceExhausted: self = .refused
            case .unavailable, .cancelled, .deadlineExceeded: self = .unreachable
            default: self = .failed
            }
        }
    }

    public var first = Duration.seconds(1)
    public var longest = Duration.seconds(60)
    /// Part of a pause that chance adds.
    public var jitter = 0.25
    /// A connection that lasted this long was a success: the pauses start over.
    public var successAfter = Duration.seconds(120)
    /// The aggregator refuses a second stream within this time of the one before (6.3).
    public var cooldown = Duration.seconds(5)
    private var base: Duration?

    public init() {}

    /// The pause after a connection that ended like this.
    ///
    /// - Parameter advised: what the aggregator asked for when it ended it, so that not all operators are back at once.
    ///
    /// An unreachable aggregator is tried as eagerly as one that closed: after its restart all operators are to be back
    /// within a minute (OVL-13), where the reference's operator would still be waiting.
    public mutating func pause(
        after end: End, advised: Duration? = nil, lasted: Duration, using random: inout some RandomNumberGenerator
    ) -> Duration {
        if lasted >= successAfter { base = nil }
        let current = min(base ?? first, longest)
        var pause = current
        switch end {
        case .closed, .unreachable:
            base = min(current * 2, longest)
            pause = max(pause, min(advised ?? .zero, longest))
        case .refused:
            base = min(current * 2, longest)
            pause = max(pause, cooldown, min(advised ?? .zero, longest))
        case .failed: pause = longest
        }
        return pause * Double.random(in: 1...(1 + max(0, jitter)), using: &random)
    }
}
