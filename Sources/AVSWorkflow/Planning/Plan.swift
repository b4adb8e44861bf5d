public import AVSModel

/// Why a task's graph cannot run. A run that meets one ends with status ERROR before its first step.
///
/// - Source: execution-engine.md 1.2, 1.4.
public enum PlanError: Error, Hashable, Sendable {
    case unknownTarget(String, edge: String)
    case unknownSource(String, edge: String)
    /// There are nodes, and no edge leaves the trigger.
    case triggerLeadsNowhere(String)
    /// Every node waits for another one.
    case nothingToStart
    /// Two nodes of one id, or of ids that Unicode holds for the same text: people could not tell them apart (INP-1).
    case duplicateNode(String)
    /// The node ids along a cycle; the first one follows the last.
    case cycle([String])
}

extension PlanError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownTarget(let target, let edge):
            "target node '\(target.excerpt())' in edge '\(edge.excerpt())' not in TaskNodes"
        case .unknownSource(let source, let edge):
            "source node '\(source.excerpt())' in edge '\(edge.excerpt())' not in TaskNodes"
        case .triggerLeadsNowhere(let id): "trigger '\(id.excerpt())' has no outgoing edges"
        case .nothingToStart: "no node has an in-degree of 0 after trigger processing"
        case .duplicateNode(let id): "node id '\(id.excerpt())' is used more than once"
        case .cycle(let ids): "nodes form a cycle: \(Self.path(ids))"
        }
    }

    /// At most ten nodes of the cycle: a graph may have a thousand.
    private static func path(_ ids: [String]) -> String {
        let shown = ids.prefix(10).map { $0.excerpt() }.joined(separator: " -> ")
        return ids.count > 10 ? "\(shown) -> … (\(ids.count) nodes)" : "\(shown) -> \(ids.first?.excerpt() ?? "")"
    }
}

/// A task's graph, checked and with every id resolved to a position in ``nodes``.
public struct Plan: Hashable, Sendable {
    /// Where an edge begins.
    enum Source: Hashable, Sendable {
        case trigger
        case node(Int)
        /// Taken when the branch node selects the condition. The id is its UTF-8 text, since ids are compared as bytes.
        case condition(node: Int, id: [UInt8])
        /// A condition of a node that does not exist: accepted, never taken (1.2).
        case nowhere
    }

    struct Link: Hashable, Sendable {
        var source: Source
        var target: Int
    }

    /// The task's nodes in the task's order.
    public let nodes: [Node]
    let links: [Link]
    /// Per node, the positions in ``links`` of the edges that leave it, of its conditions too.
    let leaving: [[Int]]

    /// - Throws: ``PlanError``, the first of: a duplicate id, an edge to or from nothing, a trigger without edges, a
    ///   cycle, nothing to start with. No nodes and no edges is a plan that does nothing.
    public init(trigger: Trigger, nodes: [Node], edges: [Edge]) throws(PlanError) {
        let ends = EdgeEnds(trigger: trigger.id, nodes: try NodePositions(nodes))
        var links: [Link] = []
        for edge in edges {
            guard let target = ends.nodes[edge.target] else { throw .unknownTarget(edge.target, edge: edge.id) }
            guard let source = ends.source(edge.source) else { throw .unknownSource(edge.source, edge: edge.id) }
            links.append(Link(source: source, target: target))
        }
        self.init(nodes: nodes, links: links)
        try checkStart(trigger: trigger)
    }

    /// The part of the checks that a task has to pass when it is created: edges that lead nowhere are left out.
    ///
    /// - Throws: ``PlanError/duplicateNode(_:)`` or ``PlanError/cycle(_:)``.
    static func checkForCycles(trigger: Trigger, nodes: [Node], edges: [Edge]) throws(PlanError) {
        let ends = EdgeEnds(trigger: trigger.id, nodes: try NodePositions(nodes))
        let links = edges.compactMap { edge -> Link? in
            guard let target = ends.nodes[edge.target], let source = ends.source(edge.source) else { return nil }
            return Link(source: source, target: target)
        }
        try Plan(nodes: nodes, links: links).checkForCycles()
    }

    private init(nodes: [Node], links: [Link]) {
        var leaving = [[Int]](repeating: [], count: nodes.count)
        for (position, link) in links.enumerated() {
            if let node = link.source.node { leaving[node].append(position) }
        }
        self.nodes = nodes
        self.links = links
        self.leaving = leaving
    }

    private func checkForCycles() throws(PlanError) {
        if let cycle = firstCycle() { throw .cycle(cycle.map { nodes[$0].id }) }
    }

    private func checkStart(trigger: Trigger) throws(PlanError) {
        guard !nodes.isEmpty else { return }
        guard links.contains(where: { $0.source == .trigger }) else { throw .triggerLeadsNowhere(trigger.id) }
        try checkForCycles()
        var waits = [Bool](repeating: false, count: nodes.count)
        for link in links where link.source != .trigger { waits[link.target] = true }
        guard waits.contains(false) else { throw .nothingToStart }
    }

    /// The node that the edge of a branch's condition leads to, the first one if there are several.
    func target(ofCondition id: String, at node: Int) -> Node? {
        let source = Source.condition(node: node, id: Array(id.utf8))
        return leaving[node].first { links[$0].source == source }.map { nodes[links[$0].target] }
    }
}

extension Plan.Source {
    /// The node on whose end the edge waits.
    var node: Int? {
        switch self {
        case .node(let node), .condition(let node, _): node
        case .trigger, .nowhere: nil
        }
    }
}
