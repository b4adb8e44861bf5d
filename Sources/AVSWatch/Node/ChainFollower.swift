import AVSChain
import AVSOperator
import AVSPrimitives
import Logging

/// Runs a chain's feed for as long as something is watched there (6.13), and brings what it reports to the watcher.
struct ChainFollower: Sendable {
    let feed: ChainFeed
    let enricher: EventEnricher
    let watcher: Watcher
    let sink: any ReportSink
    let configuration: WatchConfiguration
    let time: any TimeSource
    let logger: Logger

    /// Ends a feed: nothing is watched any more.
    private struct NothingWatched: Error {}

    /// Follows until the surrounding task is cancelled.
    ///
    /// - Throws: `CancellationError`, and what the store throws.
    func run() async throws {
        let chainID = feed.chainID
        while true {
            try await watcher.waitForTask(on: chainID)
            do {
                try await feed.run(
                    after: await watcher.position(in: chainID), filters: { await watcher.filters(on: chainID) },
                    { try await handle($0, $1) })
            } catch is NothingWatched {
                logger.debug("nothing is watched any more", metadata: ["chain": "\(chainID)"])
            }
        }
    }

    func handle(_ update: ChainUpdate, _ position: ChainPosition) async throws {
        while await watcher.isFull { try await time.sleep(until: time.monotonic + configuration.fullOutboxPause) }
        let head = feed.status.head ?? position.number
        let overloads = try await watcher.take(
            update, to: position, on: feed.chainID, head: head, at: time.now,
            data: { try await enricher.data(of: $0, in: $1) })
        for overload in overloads { await report(overload) }
        if try await watcher.leave(feed.chainID) { throw NothingWatched() }
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
}
