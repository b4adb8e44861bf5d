public import AVSEthereum
import AVSOperator
public import AVSPrimitives
public import Logging

/// Looks at every block of one chain, in order, by polling: a node that is asked tells the truth, while a subscription
/// can fall silent.
public struct ChainFollower: Sendable {
    let chain: any ChainClient
    let watcher: Watcher
    let sink: any ReportSink
    let configuration: WatchConfiguration
    let time: any TimeSource
    let logger: Logger

    /// A header that cannot be had is asked for this often (6.8).
    private static let headerAttempts = 3
    private static let headerPause = Duration.milliseconds(150)
    /// A block whose logs a node refuses this often is passed over, so that it does not stop all that follow.
    private static let refusalLimit = 5

    public init(
        chain: any ChainClient, watcher: Watcher, sink: any ReportSink, configuration: WatchConfiguration,
        time: any TimeSource, logger: Logger
    ) {
        self.chain = chain
        self.watcher = watcher
        self.sink = sink
        self.configuration = configuration
        self.time = time
        self.logger = logger
    }

    /// How the walk goes.
    struct Pace: Hashable, Sendable {
        /// Blocks in the next range: halved when the node refuses, growing again while it answers.
        var rangeLimit: UInt64
        /// Failures since the last success.
        var failures = 0
        /// Refusals of a range of one block.
        var refusals = 0
    }

    /// Follows until the surrounding task is cancelled.
    ///
    /// - Throws: `CancellationError`, and what the store throws.
    public func run() async throws {
        var pace = Pace(rangeLimit: configuration.blocksPerRange)
        while true {
            let pause = try await step(&pace)
            if pause > .zero { try await time.sleep(until: time.monotonic + pause) } else { await Task.yield() }
            try Task.checkCancellation()
        }
    }

    /// One look at the chain.
    ///
    /// - Returns: how long to wait before the next; zero while there is more to look at.
    func step(_ pace: inout Pace) async throws -> Duration {
        do {
            let head = try await chain.blockNumber()
            switch try await watcher.work(on: chain.chainID, head: head, limit: pace.rangeLimit) {
            case .idle: return configuration.idlePollInterval
            case .upToDate, .full:
                pace.failures = 0
                return configuration.pollInterval
            case .look(let range):
                try await look(at: range, passingOver: pace.refusals >= Self.refusalLimit)
                pace.failures = 0
                pace.refusals = 0
                pace.rangeLimit = min(pace.rangeLimit * 2, configuration.blocksPerRange)
                return range.blocks.upperBound < head ? .zero : configuration.pollInterval
            }
        } catch let error as ChainError {
            try Task.checkCancellation()
            return pause(after: error, &pace)
        }
    }

    private func look(at range: Watcher.Range, passingOver: Bool) async throws {
        var headers: [UInt64: Block] = [:]
        for number in range.headers { headers[number] = try await header(number) }
        var logs: [EventLog] = []
        if passingOver {
            logger.error(
                "passing over the logs of a block that the node refuses",
                metadata: ["chain": "\(chain.chainID)", "block": "\(range.blocks.lowerBound)"])
        } else {
            for var filter in range.filters {
                filter.fromBlock = .number(range.blocks.lowerBound)
                filter.toBlock = .number(range.blocks.upperBound)
                logs += try await chain.logs(filter)
            }
        }
        let overloads = try await watcher.conclude(range, headers: headers, logs: logs, at: time.now)
        for overload in overloads { await report(overload) }
    }

    private func header(_ number: UInt64) async throws -> Block? {
        for attempt in 1...Self.headerAttempts {
            do {
                if let block = try await chain.block(.number(number)) { return block }
            } catch ChainError.cancelled {
                throw CancellationError()
            } catch {
                logger.debug("no header", metadata: ["block": "\(number)", "reason": "\(error)"])
            }
            if attempt < Self.headerAttempts { try await time.sleep(until: time.monotonic + Self.headerPause) }
        }
        return nil
    }

    private func report(_ overload: EventOverload) async {
        logger.warning(
            "a task's query matches too many logs",
            metadata: [
                "task": "\(overload.taskID)", "block": "\(overload.blockNumber)", "count": "\(overload.eventCount)",
                "limit": "\(overload.limit)",
            ])
        do {
            try await sink.report(overload)
        } catch {
            logger.warning("the overload was not reported", metadata: ["reason": "\(error)"])
        }
    }

    /// Smaller ranges after a refusal, patience after anything else.
    private func pause(after error: ChainError, _ pace: inout Pace) -> Duration {
        logger.warning("the chain cannot be followed", metadata: ["chain": "\(chain.chainID)", "reason": "\(error)"])
        pace.failures += 1
        switch error {
        case .rpc, .tooLarge, .malformedAnswer:
            if pace.rangeLimit > 1 {
                pace.rangeLimit /= 2
                return configuration.pollInterval
            }
            pace.refusals += 1
        case .unavailable, .timeout, .rateLimited, .cancelled: break
        }
        let doublings = min(pace.failures - 1, 20)
        return min(configuration.pollInterval * (1 << doublings), configuration.longestPollPause)
    }
}
