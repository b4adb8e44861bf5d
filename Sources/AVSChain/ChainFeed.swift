public import AVSEthereum
public import AVSFetch
public import AVSPrimitives
public import Logging
import Synchronization

/// All blocks of a chain in order, with the logs that some filters match, and what reorganisations take back.
///
/// A WebSocket subscription to new heads says when there is something new, or, without one, asking at intervals; what
/// is new is then read by number over the ``ChainClient``. So it makes no difference whether a head was announced,
/// missed during a reconnection or came while we were not running: no number is left out, unless it is told by
/// ``ChainUpdate/skipped(_:)``. The logs of a block are asked for by its hash, in one request for all filters, so they
/// are those of just that block.
public final class ChainFeed: Sendable {
    public struct Configuration: Sendable {
        /// `ws://` or `wss://`; nil asks at intervals only. May carry a key, so it is not shown in logs.
        public var webSocketURL: String?
        /// Further fields of the upgrade request, such as `Authorization`.
        public var webSocketHeaders: [FetchHeader] = []
        /// Blocks that must stand on a block before it is reported; 0 reports at once.
        public var confirmations: UInt64 = 0
        /// How often the newest number is asked for when no subscription tells.
        public var pollInterval = Duration.seconds(4)
        /// A subscription that tells nothing for so long is doubted: the newest number is asked for.
        public var stallTimeout = Duration.seconds(30)
        /// Blocks that are caught up on at most; older ones are skipped.
        public var catchUpLimit: UInt64 = 1000

        public init(webSocketURL: String? = nil) { self.webSocketURL = webSocketURL }
    }

    /// What is known at a moment, for health checks and metrics.
    public struct Status: Hashable, Sendable {
        /// Heads come by subscription.
        public var isSubscribed = false
        /// The newest block that was announced or read.
        public var head: UInt64?
        /// The newest block that was reported.
        public var reported: UInt64?
        /// The last failure to read the chain; nil since the last success.
        public var problem: ChainError?
    }

    private struct State {
        var filters: [LogFilter] = []
        var status = Status()
    }

    private let client: any ChainClient
    private let configuration: Configuration
    private let time: any TimeSource
    private let logger: Logger
    private let state = Mutex(State())

    public init(
        client: any ChainClient, configuration: Configuration = Configuration(), time: any TimeSource, logger: Logger
    ) {
        self.client = client
        self.configuration = configuration
        self.time = time
        self.logger = logger
    }

    public var status: Status { state.withLock { $0.status } }

    /// The filters from the next block on; logs that match any of them are reported. None means no logs are asked for.
    public func setFilters(_ filters: [LogFilter]) { state.withLock { $0.filters = filters } }

    /// Reports blocks to `handle` until the task is cancelled or `handle` throws.
    ///
    /// - Parameters:
    ///   - last: the newest block that was reported before a restart; reporting goes on behind it. Nil starts behind
    ///     the block that is the newest now.
    ///   - handle: called for one update after the other; the feed waits for it.
    /// - Throws: `CancellationError`, or what `handle` throws. Failures of the chain are retried, not thrown.
    public func run(
        after last: UInt64? = nil, _ handle: @escaping @Sendable (ChainUpdate) async throws -> Void
    ) async throws {
        // Only the newest announcement matters.
        let (announcements, sink) = AsyncStream<HeadAnnouncement>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let watcher = HeadWatcher(client: client, configuration: configuration, time: time, logger: logger) { event in
            self.note(event)
            if case .head(let announcement) = event { sink.yield(announcement) }
        }
        let reader = ChainReader(
            client: client, history: ChainHistory(tip: last), catchUpLimit: configuration.catchUpLimit)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await watcher.run() }
            group.addTask {
                var reader = reader
                for await announcement in announcements { try await self.advance(&reader, to: announcement, handle) }
                throw CancellationError()
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func note(_ event: HeadWatcher.Event) {
        state.withLock { state in
            switch event {
            case .head(let head): state.status.head = max(head.number, state.status.head ?? 0)
            case .subscribed(let isSubscribed): state.status.isSubscribed = isSubscribed
            case .problem(let problem): state.status.problem = problem
            }
        }
    }

    /// Reports up to the announced head. Tries again a few times, since the endpoint that is read may lag behind the
    /// one that announced; if that does not help, the next announcement is another occasion.
    private func advance(
        _ reader: inout ChainReader, to head: HeadAnnouncement, _ handle: (ChainUpdate) async throws -> Void
    ) async throws {
        guard let target = head.confirmed(by: configuration.confirmations) else { return }
        var pause = Duration.milliseconds(100)
        for _ in 0..<5 {
            if let problem = try await report(&reader, to: target, handle) {
                note(.problem(problem))
                logger.warning("chain cannot be read", metadata: ["chain": "\(client.chainID)", "error": "\(problem)"])
            } else if reader.hasReached(target) {
                return note(.problem(nil))
            }
            try await time.sleep(until: time.monotonic + pause)
            pause *= 2
        }
    }

    /// Reports what can be read now; the problem, if the chain could not be read.
    private func report(
        _ reader: inout ChainReader, to target: HeadAnnouncement, _ handle: (ChainUpdate) async throws -> Void
    ) async throws -> ChainError? {
        while true {
            let update: ChainUpdate?
            do {
                update = try await reader.next(to: target, filters: state.withLock { $0.filters })
            } catch .cancelled {
                throw CancellationError()
            } catch {
                return error
            }
            guard let update else { return nil }
            try await handle(update)
            state.withLock { $0.status.reported = reader.tip }
        }
    }
}
