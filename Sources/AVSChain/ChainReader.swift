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
///
/// A number alone is never believed: wherever the reader goes, it has read the block.
struct ChainReader: Sendable {
    private let client: any ChainClient
    private(set) var position: ChainPosition?
    private let catchUpLimit: UInt64
    /// Read, and not reported yet. Joined to each other.
    private var pending: [ChainBlock] = []
    private var refused = Refused()

    /// Blocks that are asked for at once: enough to hide the way to the node, few enough for its rate.
    private static let blocksAtOnce: UInt64 = 16
    /// A block whose logs a node that has it refuses this often is reported without them, so that it does not stop all
    /// that follow. With a feed's pauses this takes a quarter of a minute at least.
    static let refusalLimit = 20

    private struct Refused {
        var hash: Hash32?
        var count = 0

        mutating func add(_ hash: Hash32) {
            count = self.hash == hash ? count + 1 : 1
            self.hash = hash
        }
    }

    init(client: any ChainClient, position: ChainPosition?, catchUpLimit: UInt64) {
        self.client = client
        self.position = position
        self.catchUpLimit = max(catchUpLimit, 1)
    }

    func hasReached(_ target: HeadAnnouncement) -> Bool { position.map { $0.number >= target.number } ?? false }

    /// The next update on the way to `target`; nil when it is reached, or when the node does not have the next block.
    ///
    /// Heads below the position are ignored: they come from endpoints that lag behind. A chain that became shorter
    /// grows again and is then seen to be another.
    mutating func next(to target: HeadAnnouncement, filters: [LogFilter]) async throws(ChainError) -> ChainUpdate? {
        guard let start = position else { return try await begin(at: target) }
        if let header = target.header, header.number == start.number, let newest = start.hashes.last,
            newest != header.hash
        {
            return removeNewest()
        }
        if let skipped = try await skip(to: target) { return skipped }
        // Twice, since what is pending may have been overtaken by a reorganisation.
        for _ in 0..<2 {
            guard let position, position.number < target.number else { return nil }
            if pending.isEmpty { pending = try await read(after: position.number, to: target, filters: filters) }
            guard let block = pending.first else { return nil }
            switch position.link(block.header) {
            case .follows:
                pending.removeFirst()
                self.position?.append(block.header)
                return .block(block)
            case .replaces: return removeNewest()
            case .unrelated: pending = []
            }
        }
        return nil
    }

    private mutating func begin(at target: HeadAnnouncement) async throws(ChainError) -> ChainUpdate? {
        guard let block = try await block(target.number) else { return nil }
        position = ChainPosition(number: block.number, hashes: [block.hash])
        return .began
    }

    private mutating func removeNewest() -> ChainUpdate? {
        pending = []
        guard let gone = position?.removeNewest() else { return nil }
        return .removed(number: gone.number, hash: gone.hash)
    }

    /// Goes on where the catch-up limit allows, if that is further than the next block.
    private mutating func skip(to target: HeadAnnouncement) async throws(ChainError) -> ChainUpdate? {
        guard let first = position?.number, target.number > first, target.number - first > catchUpLimit,
            let last = try await block(target.number - catchUpLimit)
        else { return nil }
        pending = []
        position = ChainPosition(number: last.number, hashes: [last.hash])
        return .skipped(first + 1...last.number)
    }

    // MARK: Reading

    private func block(_ number: UInt64) async throws(ChainError) -> Block? {
        guard let block = try await client.block(.number(number)) else { return nil }
        guard block.number == number else {
            throw .malformedAnswer(method: "eth_getBlockByNumber", reason: "asked for \(number), got \(block.number)")
        }
        return block
    }

    /// The next blocks with their logs, as far as the node has them and they are joined.
    private mutating func read(
        after number: UInt64, to target: HeadAnnouncement, filters: [LogFilter]
    ) async throws(ChainError) -> [ChainBlock] {
        let headers = try await headers(after: number, to: target)
        guard let union = LogFilter.union(of: filters) else { return headers.map { ChainBlock(header: $0, logs: []) } }
        let answers = await inParallel(headers) { [client] header throws(ChainError) in
            try await Self.logs(in: header, union: union, filters: filters, from: client)
        }
        var blocks: [ChainBlock] = []
        for (header, answer) in zip(headers, answers) {
            switch answer {
            case .success(let logs): blocks.append(ChainBlock(header: header, logs: logs))
            case .failure(let error) where blocks.isEmpty:
                guard try await isRefused(header, error) else { throw error }
                blocks.append(ChainBlock(header: header, logs: [], refusal: error))
            case .failure: return blocks
            }
        }
        return blocks
    }

    private func headers(after number: UInt64, to target: HeadAnnouncement) async throws(ChainError) -> [Block] {
        let count = min(target.number - number, Self.blocksAtOnce)
        if count == 1, let header = target.header, header.number == target.number { return [header] }
        let answers = await inParallel(Array(number + 1...number + count)) { number throws(ChainError) in
            try await block(number)
        }
        var headers: [Block] = []
        for answer in answers {
            if case .failure(let error) = answer, headers.isEmpty { throw error }
            guard case .success(let block?) = answer else { break }
            if let previous = headers.last, previous.hash != block.parentHash { break }
            headers.append(block)
        }
        return headers
    }

    /// Asked by hash: a node that does not have the block says so, instead of giving none.
    private static func logs(
        in header: Block, union: LogFilter, filters: [LogFilter], from client: any ChainClient
    ) async throws(ChainError) -> [EventLog] {
        var query = union
        query.blockHash = header.hash
        let logs = try await client.logs(query)
        guard logs.allSatisfy({ $0.blockHash == header.hash && $0.blockNumber == header.number }) else {
            throw .malformedAnswer(method: "eth_getLogs", reason: "logs of another block than \(header.hash)")
        }
        return logs.filter { log in filters.contains { $0.matches(log) } }.sorted { $0.logIndex < $1.logIndex }
    }

    /// Whether it is in vain to ask for this block's logs once more. A node that does not have the block refuses them
    /// too, and then waiting helps.
    private mutating func isRefused(_ header: Block, _ error: ChainError) async throws(ChainError) -> Bool {
        switch error {
        case .rpc, .tooLarge, .malformedAnswer: refused.add(header.hash)
        case .unavailable, .timeout, .rateLimited, .cancelled: return false
        }
        guard refused.count >= Self.refusalLimit else { return false }
        return try await block(header.number)?.hash == header.hash
    }

    /// The results in the order of the elements.
    private func inParallel<Element: Sendable, Value: Sendable>(
        _ elements: [Element], _ work: @escaping @Sendable (Element) async throws(ChainError) -> Value
    ) async -> [Result<Value, ChainError>] {
        await withTaskGroup(of: (Int, Result<Value, ChainError>).self) { group in
            for (index, element) in elements.enumerated() {
                group.addTask {
                    do throws(ChainError) {
                        return (index, .success(try await work(element)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            var results: [(Int, Result<Value, ChainError>)] = []
            for await result in group { results.append(result) }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
