import AVSEthereum
import AVSModel
import AVSPrimitives

/// The loop node: one inner node for each element of a list; results stand at the index of their element.
///
/// An iteration that fails leaves null in its place and the loop goes on; one that runs out of time ends the loop.
///
/// - Source: execution-engine.md 5.9.
extension LoopNode {
    /// Iterations that run at the same time in parallel mode (execution-engine.md 9).
    static let parallelIterations = 10

    func run(
        as node: Node, in context: NodeContext, log: inout [String]
    ) async throws(NodeFailure) -> NodeOutcome {
        try NodeRequirements.check(.loop(self))
        guard let inner = runner?.config else { throw .missing("runner") }
        let elements = try await elements(in: context)
        let limit = context.environment.limits.loopElements
        guard elements.count <= limit else {
            throw NodeFailure(
                code: .invalidRequest, "loop over \(elements.count) elements, at most \(limit) are allowed",
                details: ["size": .number(Double(elements.count)), "maxSize": .number(Double(limit))])
        }
        log.append("Loop over \(elements.count) elements of \(inputVariable.excerpt(200)) with \(inner.kind.wireName)")
        let iteration = LoopIteration(
            loop: node, scopeNames: (iterationValue, iterationKey), inner: inner, context: context,
            timeout: timeout(of: inner, chainID: context.environment.chain?.chainID))
        let workers = workers(for: elements.count, of: inner, log: &log)
        let endings = try await iteration.run(over: elements, workers: workers)
        return outcome(endings, log: &log)
    }

    // MARK: Input

    private func elements(in context: NodeContext) async throws(NodeFailure) -> [JSONValue] {
        var shown = inputVariable.trimmingBlanks()
        if !shown.hasPrefix("{{") { shown = "{{\(shown)}}" }
        let name = "loop input expression \(shown.excerpt(200))"
        switch await context.value(of: inputVariable) {
        case .success(.json(.array(let elements))): return elements
        case .success(let value) where value.isResolved:
            throw NodeFailure("\(name) resolved to \(value.typeName), expected array")
        case .success, .failure(.thrown): throw NodeFailure("\(name) could not be resolved")
        case .failure(let error): throw NodeFailure("\(name) could not be resolved: \(error)")
        }
    }

    // MARK: Mode and time

    /// Transactions of one wallet go one after the other, whatever the task asks for: their nonces are in order.
    private func workers(for count: Int, of inner: Node.Config, log: inout [String]) -> Int {
        if inner.actsOnChain {
            log.append("Running in sequential mode: \(inner.kind.wireName) sends transactions of one wallet in order")
            return 1
        }
        guard mode == .parallel, count > 1 else {
            log.append("Running in sequential mode")
            return 1
        }
        let workers = min(count, Self.parallelIterations)
        log.append("Running in parallel mode with \(workers) workers")
        return workers
    }

    /// Of one iteration. Transactions wait for their block, on the main network for longer.
    func timeout(of inner: Node.Config, chainID: UInt64?) -> Duration {
        if iterationTimeoutSeconds > 0 { return .seconds(Int64(iterationTimeoutSeconds)) }
        guard inner.actsOnChain else { return .seconds(30) }
        return chainID == 1 ? .seconds(360) : .seconds(240)
    }

    // MARK: Result

    func outcome(_ endings: [LoopIteration.Ending], log: inout [String]) -> NodeOutcome {
        var results: [JSONValue] = []
        var failed = 0
        var first: NodeFailure?
        for (index, ending) in endings.enumerated() {
            results.append(ending.failure == nil ? ending.result : .null)
            guard let failure = ending.failure else { continue }
            failed += 1
            let message = Self.withoutPrefix(failure.message)
            if first == nil { first = failure }
            if failed <= Self.shownFailures { log.append("Iteration \(index) failed: \(message.excerpt(300))") }
        }
        if failed > Self.shownFailures { log.append("… \(failed - Self.shownFailures) more failed") }
        let failure = first.map { first in
            let message = Self.withoutPrefix(first.message)
            return NodeFailure(
                code: .invalidRequest, "\(failed) of \(endings.count) iterations failed: \(message)",
                details: [
                    "failed_iterations": .number(Double(failed)), "total_iterations": .number(Double(endings.count)),
                ], reason: first.reason)
        }
        return NodeOutcome(
            output: .array(results), failure: failure, gas: GasUse.total(of: endings.compactMap(\.gas)),
            executionContext: endings.lazy.compactMap(\.executionContext).first)
    }

    /// Lines about failures in one log: a list may have many thousand elements.
    private static let shownFailures = 100

    private static func withoutPrefix(_ message: String) -> String {
        let prefix = "invalid request: "
        return message.hasPrefix(prefix) ? String(message.dropFirst(prefix.count)) : message
    }
}

extension LoopNode.Runner {
    /// The runner as the configuration of a node of its own.
    var config: Node.Config {
        switch self {
        case .ethTransfer(let node): .ethTransfer(node)
        case .contractWrite(let node): .contractWrite(node)
        case .contractRead(let node): .contractRead(node)
        case .graphQLQuery(let node): .graphQLQuery(node)
        case .restAPI(let node): .restAPI(node)
        case .customCode(let node): .customCode(node)
        }
    }
}
