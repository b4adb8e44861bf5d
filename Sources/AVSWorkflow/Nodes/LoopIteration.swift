import AVSModel
import AVSPrimitives

/// What the iterations of a loop have in common.
struct LoopIteration: Sendable {
    let loop: Node
    /// Under which names the element and its index are in scope; an empty name is none.
    let scopeNames: (value: String, key: String)
    let inner: Node.Config
    let context: NodeContext
    let timeout: Duration

    /// How one iteration ended.
    struct Ending: Hashable, Sendable {
        /// Its place in the loop's output; null where nothing was produced.
        var result: JSONValue = .null
        var failure: NodeFailure?
        var gas: GasUse?
        var executionContext: [String: JSONValue]?
    }

    /// Runs all iterations, at most `workers` at a time, each on variables of its own.
    ///
    /// - Returns: The endings in the order of the elements.
    /// - Throws: ``NodeFailure`` once an iteration runs out of time or the run is stopped; what still runs is
    ///   cancelled.
    func run(over elements: [JSONValue], workers: Int) async throws(NodeFailure) -> [Ending] {
        let outcome = await withTaskGroup(of: (Int, Result<Ending, NodeFailure>).self) { group in
            var endings = [Ending?](repeating: nil, count: elements.count)
            var next = 0
            func begin() {
                guard next < elements.count else { return }
                let (index, element) = (next, elements[next])
                next += 1
                group.addTask { (index, await self.run(element, at: index)) }
            }
            for _ in 0..<workers { begin() }
            while let (index, result) = await group.next() {
                switch result {
                case .success(let ending):
                    endings[index] = ending
                    begin()
                case .failure(let failure):
                    group.cancelAll()
                    return Result<[Ending?], NodeFailure>.failure(failure)
                }
            }
            return .success(endings)
        }
        return try outcome.get().compactMap(\.self)
    }

    // MARK: One iteration

    private enum Event: Sendable {
        case ended(Ending)
        case timedOut
        /// The timer was cancelled before its time.
        case noTimer
    }

    /// A failure ends the loop; that of an iteration is part of its ending.
    private func run(_ element: JSONValue, at index: Int) async -> Result<Ending, NodeFailure> {
        guard !Task.isCancelled else { return .failure(NodeFailure("the loop was stopped before iteration \(index)")) }
        let time = context.environment.time
        let deadline = time.monotonic + timeout
        return await withTaskGroup(of: Event.self) { group in
            group.addTask { .ended(await self.perform(element, at: index)) }
            group.addTask {
                do {
                    try await time.sleep(until: deadline)
                    return .timedOut
                } catch {
                    return .noTimer
                }
            }
            defer { group.cancelAll() }
            while let event = await group.next() {
                switch event {
                case .ended(let ending): return .success(ending)
                case .timedOut: 
                    return .failure(
                        NodeFailure("iteration \(index) timed out after \(Self.text(timeout))", reason: .timeout))
                case .noTimer: break
                }
            }
            return .failure(NodeFailure("iteration \(index) did not run"))
        }
    }

    private func perform(_ element: JSONValue, at index: Int) async -> Ending {
        var scope = context
        scope.iteration = index
        if !scopeNames.value.isEmpty { scope.variables.put(element, as: scopeNames.value) }
        if !scopeNames.key.isEmpty { scope.variables.put(.number(Double(index)), as: scopeNames.key) }
        let node = Node(id: "\(loop.id)_iter_\(index)", name: "\(loop.name)_iter_\(index)", config: inner)
        var log: [String] = []
        do throws(NodeFailure) {
            let outcome = try await inner.perform(as: node, in: scope, log: &log)
            return Ending(
                result: Self.result(of: inner, outcome), failure: outcome.failure, gas: outcome.gas,
                executionContext: outcome.executionContext)
        } catch {
            return Ending(failure: error)
        }
    }

    /// The inner node's output; of nodes that send transactions also which ones (execution-engine.md 5.9.4).
    static func result(of inner: Node.Config, _ outcome: NodeOutcome) -> JSONValue {
        let output = outcome.output ?? .null
        guard case .object(var members) = output else { return output }
        switch inner {
        case .ethTransfer:
            members["metadata"] = ["transactionHash": outcome.metadata?["transactionHash"] ?? ""]
        case .contractWrite(let config):
            let receipts = outcome.metadata?.arrayValue?.compactMap { $0["receipt"] } ?? []
            let hash = receipts.lazy.compactMap { $0["transactionHash"]?.stringValue }.last
            let address = outcome.contract?.checksummed ?? config.contractAddress
            members["metadata"] = ["transactionHash": .string(hash ?? ""), "contractAddress": .string(address)]
        default: return output
        }
        return .object(members)
    }

    /// `30s`, as messages spell a duration.
    private static func text(_ duration: Duration) -> String { "\(duration.components.seconds)s" }
}
