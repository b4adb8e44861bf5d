import AVSEthereum
import AVSPrimitives

/// A head that is said to be there.
struct HeadAnnouncement: Hashable, Sendable {
    var number: UInt64
    /// Known if a subscription told.
    var header: Block?

    /// The block that has so many on top of it; nil if there is none yet.
    func confirmed(by confirmations: UInt64) -> HeadAnnouncement? {
        if confirmations == 0 { return self }
        return number >= confirmations ? HeadAnnouncement(number: number - confirmations) : nil
    }
}

/// Turns "this head is there" into the updates that lead to it, by asking for what lies between.
struct ChainReader: Sendable {
    private let client: any ChainClient
    private var history: ChainHistory
    private let catchUpLimit: UInt64
    /// Read, and not reported yet. Joined to each other.
    private var pending: [ChainBlock] = []

    /// Blocks that are asked for at once: enough to hide the way to the node, few enough for its rate.
    private static let blocksAtOnce: UInt64 = 16

    init(client: any ChainClient, history: ChainHistory, catchUpLimit: UInt64) {
        self.client = client
        self.history = history
        self.catchUpLimit = max(catchUpLimit, 1)
    }

    var tip: UInt64? { history.tip }

    func hasReached(_ target: HeadAnnouncement) -> Bool { history.tip.map { $0 >= target.number } ?? false }

    /// The next update on the way to `target`; nil when it is reached, or when the node does not have the next block.
    ///
    /// Heads below the tip are ignored: they come from endpoints that lag behind. A chain that became shorter grows
    /// again and is then seen to be another.
    mutating func next(to target: HeadAnnouncement, filters: [LogFilter]) async throws(ChainError) -> ChainUpdate? {
        guard let start = history.tip else {
            history.skip(to: target.number)
            return nil
        }
        if let header = target.header, header.number == start, let newest = history.newest, newest.hash != header.hash,
            let gone = history.removeTip()
        {
            pending = []
            return .removed(gone)
        }
        if let skipped = skipTooMany(to: target.number) { return skipped }
        // Twice, since what is pending may have been overtaken by a reorganisation.
        for _ in 0..<2 {
            guard let tip = history.tip, tip < target.number else { return nil }
            if pending.isEmpty { pending = try await read(after: tip, to: target, filters: filters) }
            guard let block = pending.first else { return nil }
            switch history.link(block.header) {
            case .follows:
                pending.removeFirst()
                history.append(block)
                return .block(block)
            case .replaces:
                pending = []
                if let gone = history.removeTip() { return .removed(gone) }
            case .unrelated:
                pending = []
            }
        }
        return nil
    }

    private mutating func skipTooMany(to number: UInt64) -> ChainUpdate? {
        guard let tip = history.tip, number > tip, number - tip > catchUpLimit else { return nil }
        let last = number - catchUpLimit
        pending = []
        history.skip(to: last)
        return .skipped(tip + 1...last)
    }

    /// The next blocks with their logs, as far as the node has them and they are joined.
    private func read(
        after tip: UInt64, to target: HeadAnnouncement, filters: [LogFilter]
    ) async throws(ChainError) -> [ChainBlock] {
        var headers: [Block] = []
        if let header = target.header, header.number == tip + 1 {
            headers = [header]
        } else {
            let last = min(target.number, tip + Self.blocksAtOnce)
            let read = try await inParallel(Array(tip + 1...last)) { number throws(ChainError) in
                try await client.block(.number(number))
            }
            for (number, block) in zip(tip + 1...last, read) {
                guard let block else { break }
                guard block.number == number else {
                    throw .malformedAnswer(
                        method: "eth_getBlockByNumber", reason: "asked for \(number), got \(block.number)")
                }
                if let previous = headers.last, previous.hash != block.parentHash { break }
                headers.append(block)
            }
        }
        guard let union = LogFilter.union(of: filters) else { return headers.map { ChainBlock(header: $0, logs: []) } }
        return try await inParallel(headers) { header throws(ChainError) in
            ChainBlock(header: header, logs: try await logs(in: header, union: union, filters: filters))
        }
    }

    /// Asked by hash: a node that does not have the block says so, instead of giving none.
    private func logs(
        in header: Block, union: LogFilter, filters: [LogFilter]
    ) async throws(ChainError) -> [EventLog] {
        var query = union
        query.blockHash = header.hash
        let logs = try await client.logs(query)
        guard logs.allSatisfy({ $0.blockHash == header.hash && $0.blockNumber == header.number }) else {
            throw .malformedAnswer(method: "eth_getLogs", reason: "logs of another block than \(header.hash)")
        }
        return logs.filter { log in filters.contains { $0.matches(log) } }.sorted { $0.logIndex < $1.logIndex }
    }

    /// The results in the order of the elements; the first error ends the others.
    private func inParallel<Element: Sendable, Value: Sendable>(
        _ elements: [Element], _ work: @escaping @Sendable (Element) async throws(ChainError) -> Value
    ) async throws(ChainError) -> [Value] {
        let outcome = await withTaskGroup(of: (Int, Result<Value, ChainError>).self) { group in
            for (index, element) in elements.enumerated() {
                group.addTask {
                    do throws(ChainError) {
                        return (index, .success(try await work(element)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            var values: [Int: Value] = [:]
            var problem: ChainError?
            for await (index, result) in group {
                switch result {
                case .success(let value): values[index] = value
                case .failure(let error):
                    // Later ones may only say that the first one cancelled them.
                    problem = problem ?? error
                    group.cancelAll()
                }
            }
            return (values: values, problem: problem)
        }
        if let problem = outcome.problem { throw problem }
        return outcome.values.sorted { $0.key < $1.key }.map(\.value)
    }
}
