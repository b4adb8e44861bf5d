import AVSModel
import AVSPrimitives

extension Node.Config {
    /// What the node does, whatever starts it: a graph, an immediate run, or an iteration of a loop.
    ///
    /// - Parameters:
    ///   - node: under whose id and name it happens.
    ///   - log: gets lines for people, also where the node fails.
    /// - Throws: ``NodeFailure`` where nothing was produced. What failed and yet produced something is an outcome with
    ///   a ``NodeOutcome/failure``.
    func perform(
        as node: Node, in context: NodeContext, log: inout [String]
    ) async throws(NodeFailure) -> NodeOutcome {
        switch self {
        case .restAPI(let config): return try await config.run(as: node, in: context, log: &log)
        case .graphQLQuery(let config): return try await config.run(in: context, log: &log)
        case .branch(let config): return try await config.run(as: node, in: context, log: &log)
        case .filter(let config): return try await config.run(in: context, log: &log)
        case .loop(let config): return try await config.run(as: node, in: context, log: &log)
        case .contractRead(let config): return try await config.run(in: context, log: &log)
        case .customCode(let config): return try await config.run(in: context, log: &log)
        case .ethTransfer(let config): return try await config.run(as: node, in: context, log: &log)
        case .contractWrite(let config): return try await config.run(as: node, in: context, log: &log)
        case .balance(let config): return try await config.run(in: context, log: &log)
        }
    }
}
