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
        /// The newest block, as it was announced last.
        public var head: UInt64?
        /// The newest block that was reported in this run.
        public var reported: UInt64?
        /// The last failure to read the chain; nil since the last success.
        public var problem: ChainError?
    }

    private let client: any ChainClient
    private let configuration: Configuration
    private let time: any TimeSource
    private let logger: Logger
    private let state = Mutex(Status())

    public init(
        client: any ChainClient, configuration: Configuration = Configuration(), time: any TimeSource, logger: Logger
    ) {
        self.client = client
        self.configuration = configuration
        self.time = time
        self.logger = logger
    }

    public var chainID: UInt64 { client.chainID }

    public var status: Status { state.withLock { $0 } }

    /// Reports blocks to `handle` until the task is cancelled or `handle` throws.
    ///
    /// - Parameters:
    ///   - position: where an earlier run came to; nil starts behind the block that is the newest now.
    ///   - filters: what is wanted of the blocks that are read next: logs that match any of these. None means that no
    ///     logs are asked for. A block that is announced later than an answer is read with that answer or a newer one.
    ///   - handle: called for one update after the other; the feed waits for it. The position is the one behind the
    ///     update: kept together with what became of the update, it lets a later run go on without gap or repetition.
    /// - Throws: `CancellationError`, or what `handle` throws. Failures of the chain are retried, not thrown.
    public func run(
        after position: ChainPosition? = nil, filters: @escaping @Sendable () async -> [LogFilter] = { [] },
        _ handle: @escaping @Sendable (ChainUpdate, ChainPosition) async throws -> Void
    ) async throws {
        // Only the newest announcement matters.
        let (announcements, sink) = AsyncStream<HeadAnnouncement>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let watcher = HeadWatcher(client: client, configuration: configuration, time: time, logger: logger) { event in
            self.note(event)
            if case .head(let announcement) = event { sink.yield(announcement) }
        }
        let reader = ChainReader(client: client, position: position, catchUpLimit: configuration.catchUpLimit)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await watcher.run() }
            group.addTask {
                var reader = reader
                for await head in announcements { try await self.advance(&reader, to: head, filters, handle) }
                throw CancellationError()
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func note(_ event: HeadWatcher.Event) {
        let before = state.withLock { state in
            let before = state.problem
            switch event {
            case .head(let head): state.head = head.number
            case .subscribed(let isSubscribed): state.isSubscribed = isSubscribed
            case .problem(let problem): state.problem = problem
            }
            return before
        }
        guard case .problem(let problem) = event else { return }
        // Once for each outage, however often it is tried.
        if let problem, before == nil {
            logger.warning("the chain cannot be read", metadata: ["chain": "\(chainID)", "reason": "\(problem)"])
        } else if problem == nil, before != nil {
            logger.notice("the chain can be read again", metadata: ["chain": "\(chainID)"])
        }
    }

    /// Reports up to the announced head. Tries again a few times, since the endpoint that is read may lag behind the
    /// one that announced; if that does not help, the next announcement is another occasion.
    private func advance(
        _ reader: inout ChainReader, to head: HeadAnnouncement, _ filters: () async -> [LogFilter],
        _ handle: (ChainUpdate, ChainPosition) async throws -> Void
    ) async throws {
        guard let target = head.confirmed(by: configuration.confirmations) else { return }
        var pause = Duration.milliseconds(100)
        for _ in 0..<5 {
            if let problem = try await report(&reader, to: target, filters, handle) {
                note(.problem(problem))
            } else if reader.hasReached(target) {
                return note(.problem(nil))
            }
            try await time.sleep(until: time.monotonic + pause)
            pause *= 2
        }
    }

    /// Reports what can be read now; the problem, if the chain could not be read.
    private func report(
        _ reader: inout ChainReader, to target: HeadAnnouncement, _ filters: () async -> [LogFilter],
        _ handle: (ChainUpdate, ChainPosition) async throws -> Void
    ) async throws -> ChainError? {
        while true {
            let update: ChainUpdate?
            do {
                update = try await reader.next(to: target, filters: await filters())
            } catch .cancelled {
                throw CancellationError()
            } catch {
                return error
            }
            guard let update, let position = reader.position else { return nil }
            try await handle(update, position)
            state.withLock { $0.reported = position.number }
        }
    }
}
