/// Which nodes may run, as a value: nodes that finished in, nodes that are ready out.
///
/// Every edge ends in one of two states. An edge from a node is *taken* when the node finished, whether it succeeded or
/// failed, and *dead* when the node is skipped. A condition's edge is taken when its branch selected it, else dead. The
/// trigger's edges are taken from the start.
///
///     all edges into a node decided, at least one taken  → ready
///     all edges into a node decided, none taken          → skipped, silently; its own edges are dead
///     no edges into a node                               → ready from the start
///
/// A node becomes ready at most once, and a graph without cycles always comes to an end.
///
/// - Source: execution-engine.md 1.5.
public struct EdgeScheduler: Hashable, Sendable {
    private enum NodeState: Hashable { case waiting, ready, finished, skipped }

    private let plan: Plan
    private var states: [NodeState]
    /// Per node: edges into it that are not decided yet, and edges that were taken.
    private var undecided: [Int]
    private var taken: [Int]
    private var hasStarted = false

    public init(plan: Plan) {
        self.plan = plan
        states = Array(repeating: .waiting, count: plan.nodes.count)
        undecided = Array(repeating: 0, count: plan.nodes.count)
        taken = Array(repeating: 0, count: plan.nodes.count)
        for link in plan.links { undecided[link.target] += 1 }
    }

    /// Ready or running nodes exist: the run is not over.
    public var isActive: Bool { states.contains(.ready) }

    /// Positions of the nodes that no path of this run reached.
    public var skipped: [Int] { states.indices.filter { states[$0] == .skipped } }

    /// Takes the trigger's edges.
    ///
    /// - Returns: The positions of the nodes to begin with, in the task's order. Empty when asked again.
    public mutating func start() -> [Int] {
        guard !hasStarted else { return [] }
        hasStarted = true
        var ready = plan.nodes.indices.filter { undecided[$0] == 0 }
        for node in ready { states[node] = .ready }
        for link in plan.links {
            switch link.source {
            case .trigger: decide(link.target, isTaken: true, ready: &ready)
            case .nowhere: decide(link.target, isTaken: false, ready: &ready)
            case .node, .condition: break
            }
        }
        return ready.sorted()
    }

    /// A node came to its end.
    ///
    /// - Parameter selected: The condition that a branch node selected, if any.
    /// - Returns: The positions of the nodes that this made ready, in the task's order. Empty for a node that was not
    ///   ready or has finished before.
    public mutating func finish(_ node: Int, selected: String? = nil) -> [Int] {
        guard states.indices.contains(node), states[node] == .ready else { return [] }
        states[node] = .finished
        let selected = selected.map { Array($0.utf8) }
        var ready: [Int] = []
        for position in plan.leaving[node] {
            let link = plan.links[position]
            switch link.source {
            case .condition(_, let id): decide(link.target, isTaken: id == selected, ready: &ready)
            case .node, .trigger, .nowhere: decide(link.target, isTaken: true, ready: &ready)
            }
        }
        return ready.sorted()
    }

    /// Decides one edge into `target`. A node that is skipped decides its own edges: with a list instead of recursion,
    /// since a chain may be a thousand nodes long.
    private mutating func decide(_ target: Int, isTaken: Bool, ready: inout [Int]) {
        var decisions = [(target: target, isTaken: isTaken)]
        while let decision = decisions.popLast() {
            let node = decision.target
            undecided[node] -= 1
            if decision.isTaken { taken[node] += 1 }
            guard undecided[node] == 0, states[node] == .waiting else { continue }
            if taken[node] > 0 {
                states[node] = .ready
                ready.append(node)
            } else {
                states[node] = .skipped
                decisions += plan.leaving[node].map { (plan.links[$0].target, false) }
            }
        }
    }
}
