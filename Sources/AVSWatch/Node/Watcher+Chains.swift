public import AVSChain
public import AVSEthereum
import AVSModel
public import AVSOperator
public import AVSPrimitives
import Logging

// Blocks, and the events in them.
extension Watcher {
    /// The newest block seen on a chain; 0 before anything was watched there.
    public func head(of chainID: UInt64) -> UInt64 { chains[chainID]?.head ?? 0 }

    /// The newest block of the default chain, as check-ins say it.
    public var head: UInt64 { head(of: defaultChainID) }

    /// Whether reports do not get through, so that nobody must look any further: nothing is lost, the position waits.
    public var isFull: Bool { store.isFull }

    /// Where to go on in a chain; nil begins at its newest block.
    public func position(in chainID: UInt64) -> ChainPosition? { chains[chainID]?.position }

    /// The logs that are wanted from the next block on.
    public func filters(on chainID: UInt64) -> [LogFilter] { (chains[chainID]?.events.wanted()).map { [$0] } ?? [] }

    /// Returns as soon as something is watched on a chain.
    func waitForTask(on chainID: UInt64) async throws {
        while let chain = chains[chainID], chain.isIdle { try await chain.bell.wait() }
    }

    /// Leaves a chain on which nothing is watched any more.
    ///
    /// - Returns: false if something is.
    func leave(_ chainID: UInt64) async throws -> Bool {
        guard let chain = chains[chainID], chain.isIdle else { return false }
        chains[chainID]?.position = nil
        chains[chainID]?.head = nil
        if chain.position != nil { try await store.dropPosition(in: chainID) }
        return true
    }

    /// Looks at what a chain's feed reports. The position is kept in the same update as the reports.
    ///
    /// - Parameters:
    ///   - position: the one behind the update.
    ///   - head: the newest block that was announced.
    ///   - data: what is reported of an event, if it is more than its fields.
    /// - Returns: queries that matched too much, to be reported.
    public func take(
        _ update: ChainUpdate, to position: ChainPosition, on chainID: UInt64, head: UInt64, at now: Timestamp,
        data: @Sendable (EventMatch, Block) async throws -> JSONValue = { match, _ in match.data }
    ) async throws -> [EventOverload] {
        note(head, behind: position, on: chainID)
        switch update {
        case .block(let block): return try await look(at: block, position, on: chainID, at: now, data)
        case .began: break
        case .removed(let number, let hash):
            statistics.removedBlocks += 1
            logger.info(
                "a block is no longer part of the chain",
                metadata: ["chain": "\(chainID)", "block": "\(number)", "hash": "\(hash)"])
        case .skipped(let numbers):
            statistics.skippedBlocks += numbers.upperBound - numbers.lowerBound + 1
            logger.warning(
                "missed blocks are skipped",
                metadata: ["chain": "\(chainID)", "from": "\(numbers.lowerBound)", "to": "\(numbers.upperBound)"])
        }
        // Durably: from an older position in a branch that is gone we would not go back, and from none start anew.
        var findings = WatchStore.Findings()
        findings.position = (chainID, position)
        try await commit(findings, at: now)
        chains[chainID]?.position = position
        return []
    }

    /// A head that nobody has read is believed as far as a feed would go at once (threat T44).
    private func note(_ head: UInt64, behind position: ChainPosition, on chainID: UInt64) {
        let (limit, isTooFar) = position.number.addingReportingOverflow(configuration.missedBlocksOfEvents)
        let head = isTooFar ? head : min(head, limit)
        chains[chainID]?.blocks.settle(since: head)
        chains[chainID]?.events.settle(since: head)
        chains[chainID]?.head = max(head, position.number)
    }

    private func look(
        at block: ChainBlock, _ position: ChainPosition, on chainID: UInt64, at now: Timestamp,
        _ data: @Sendable (EventMatch, Block) async throws -> JSONValue
    ) async throws -> [EventOverload] {
        guard let chain = chains[chainID] else { return [] }
        if let refusal = block.refusal {
            statistics.refusedBlocks += 1
            logger.error(
                "passing over the logs of a block that the node refuses",
                metadata: ["chain": "\(chainID)", "block": "\(block.header.number)", "reason": "\(refusal)"])
        }
        var findings = WatchStore.Findings()
        findings.fired = fired(by: block.header, chain, chainID, at: now)
        var memory = chain.memory
        let verdict = chain.events.judge(block.logs, inBlock: block.header.number, &memory, at: now)
        for match in verdict.fired {
            let event = try await data(match, block.header)
            findings.fired.append(
                .event(
                    match.taskID, event: event, transaction: match.log.transactionHash,
                    logIndex: match.log.logIndex, block: match.log.blockNumber, chainID: chainID, reporter: reporter))
        }
        findings.rests = verdict.rests
        findings.position = (chainID, position)
        if findings.fired.isEmpty {
            try await store.move(chainID, to: position)
        } else {
            try await commit(findings, at: now)
        }
        // Durable: only now do we remember. A task that was stopped meanwhile has nothing to remember.
        for id in memory.rests.keys where places[id] == nil { memory.forget(id) }
        chains[chainID]?.memory = memory
        chains[chainID]?.position = position
        chains[chainID]?.highest = max(chain.highest, block.header.number)
        statistics.logs += UInt64(block.logs.count)
        statistics.overloads += verdict.overloads.count
        return verdict.overloads
    }

    /// The block triggers that hold. Not for a number that was looked at before, and not long after the fact (TIM-12).
    private func fired(by block: Block, _ chain: Chain, _ chainID: UInt64, at now: Timestamp) -> [TriggerFired] {
        guard block.number > chain.highest, let head = chain.head,
            block.number > head || head - block.number < configuration.missedBlocksOfBlocks
        else { return [] }
        return chain.blocks.tasks(at: block.number, now: now).map {
            .block($0, number: block.number, header: block.triggerOutput, chainID: chainID, reporter: reporter)
        }
    }
}
