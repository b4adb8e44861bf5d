import AVSChain
public import AVSEthereum
import AVSModel
public import AVSOperator
public import AVSPrimitives
import AVSRPC
public import Logging
public import ServiceLifecycle

/// A chain whose triggers an operator watches.
public struct WatchedChain: Sendable {
    public var client: any ChainClient
    /// Where new blocks are told, as ``ChainFeed/Configuration/webSocketURL``; nil asks for them at intervals.
    public var webSocketURL: String?
    /// Blocks that must stand on a block before its triggers count; 0 takes the newest block, which reorganisations
    /// may take back.
    public var confirmations: UInt64

    public init(client: any ChainClient, webSocketURL: String? = nil, confirmations: UInt64 = 0) {
        self.client = client
        self.webSocketURL = webSocketURL
        self.confirmations = confirmations
    }
}

/// An operator at work: hears what to watch, watches it, reports what it finds.
///
/// Runs until it is cancelled or told to shut down gracefully. What was found is durable at any moment, so the end may
/// come at any moment too.
public struct OperatorNode: Service, CustomStringConvertible {
    let client: OperatorClient
    let chains: [WatchedChain]
    let store: WatchStore
    public let watcher: Watcher
    let configuration: WatchConfiguration
    let time: any TimeSource
    let logger: Logger

    /// - Parameter chains: those to be watched; the first is the default.
    public init(
        client: OperatorClient, chains: [WatchedChain], store: WatchStore,
        configuration: WatchConfiguration = WatchConfiguration(), time: any TimeSource, logger: Logger
    ) {
        self.client = client
        self.chains = chains
        self.store = store
        self.configuration = configuration
        self.time = time
        self.logger = logger
        watcher = Watcher(
            store: store, configuration: configuration, reporter: client.credentials.address,
            chainIDs: chains.map(\.client.chainID), logger: logger)
    }

    /// Short, for the log.
    public var description: String { "operator \(client.credentials.address)" }

    /// - Throws: what the store throws: without it nothing would be safe.
    public func run() async throws {
        try await watcher.restore(at: time.now)
        try await cancelWhenGracefulShutdown {
            do {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await listen() }
                    group.addTask { try await ping() }
                    group.addTask { try await keepTime() }
                    let reporter = Reporter(
                        store: store, watcher: watcher, sink: client, configuration: configuration, time: time,
                        logger: logger)
                    group.addTask { try await reporter.run() }
                    for chain in chains {
                        let follower = follower(of: chain)
                        group.addTask { try await follower.run() }
                    }
                    try await group.waitForAll()
                }
            } catch is CancellationError {
                logger.info("stopped")
            }
        }
        await client.close()
    }

    private func follower(of chain: WatchedChain) -> ChainFollower {
        var settings = ChainFeed.Configuration(webSocketURL: chain.webSocketURL)
        settings.confirmations = chain.confirmations
        settings.pollInterval = configuration.pollInterval
        settings.catchUpLimit = configuration.missedBlocksOfEvents
        let feed = ChainFeed(client: chain.client, configuration: settings, time: time, logger: logger)
        return ChainFollower(
            feed: feed, enricher: EventEnricher(chain: chain.client, time: time, logger: logger), watcher: watcher,
            sink: client, configuration: configuration, time: time, logger: logger)
    }

    // MARK: What to watch

    private func listen() async throws {
        var random = SystemRandomNumberGenerator()
        try await client.follow(using: &random) { event in
            switch event {
            case .connected: logger.info("connected to the aggregator")
            case .disconnected(let status, let pause):
                logger.warning(
                    "the stream of checks ended", metadata: ["status": "\(status)", "again in": "\(pause)"])
            case .check(.immediate(let check)): try await fire(check)
            case .check(let check):
                logger.debug("told", metadata: ["check": "\(check.taskID)"])
                try await watcher.handle(check, at: time.now)
            }
        }
    }

    /// 6.11: block and time triggers are reported at once, events cannot be.
    private func fire(_ check: TaskCheck) async throws {
        let now = time.now
        let reporter = client.credentials.address
        switch check.trigger.kind {
        case .cron, .fixedTime:
            var report = TriggerFired.time(check.taskID, kind: check.trigger.kind, at: now, reporter: reporter)
            report.requestID = "\(check.taskID):\(now.milliseconds)000000"  // in nanoseconds (6.7)
            try await watcher.fire(report, at: now)
        case .block:
            let chain = (chains.first { $0.client.chainID == check.chainID } ?? chains.first)?.client
            do {
                guard let chain, let block = try await chain.block(.latest) else { return }
                let report = TriggerFired.block(
                    check.taskID, number: block.number, header: block.triggerOutput, chainID: chain.chainID,
                    reporter: reporter)
                try await watcher.fire(report, at: now)
            } catch let error as ChainError {
                logger.warning(
                    "no block to report at once", metadata: ["task": "\(check.taskID)", "reason": "\(error)"])
            }
        case .event, .manual:
            logger.warning("cannot be reported at once", metadata: ["task": "\(check.taskID)"])
        }
    }

    // MARK: Signs of life

    private func ping() async throws {
        var failures = 0
        while true {
            try await time.sleep(until: time.monotonic + configuration.pingInterval)
            let checkIn = CheckIn(
                metricsPort: configuration.metricsPort, blockNumber: await watcher.head,
                eventCount: await watcher.statistics.logs)
            do {
                let answer = try await client.ping(checkIn)
                if failures > 0 { logger.info("check-ins are answered again") }
                failures = 0
                // A slow answer says nothing about clocks.
                if let offset = answer.clockOffset, answer.roundTrip < .seconds(2) {
                    await watcher.note(clockOffset: offset)
                }
            } catch {
                try Task.checkCancellation()
                failures += 1
                // Once, then every minute: the stream's end is logged as well.
                if failures % 12 == 1 {
                    let kind = CheckInFailure(RPCStatus(error))
                    logger.warning("a check-in failed", metadata: ["kind": "\(kind.rawValue)", "reason": "\(error)"])
                }
            }
        }
    }

    // MARK: Time

    private func keepTime() async throws {
        while true {
            try await watcher.tick(at: time.now)
            try await waitForTick()
        }
    }

    /// Until the next tick, a change of what is watched, or a second: the wall clock may step (TIM-5).
    private func waitForTick() async throws {
        guard let next = await watcher.nextTick else { return try await watcher.timeBell.wait() }
        let ahead = next.duration(since: time.now)
        try await time.sleep(until: time.monotonic + min(max(ahead, .milliseconds(1)), .seconds(1)))
    }
}
