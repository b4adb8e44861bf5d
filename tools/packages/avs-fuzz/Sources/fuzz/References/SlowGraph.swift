import AVSModel
import AVSWorkflow

/// A task's graph as text, and the rules about it in the obvious way: by looking at all edges.
///
/// - Source: execution-engine.md 1.2, 1.4, 1.5.
struct SlowGraph {
    private enum Source: Hashable { case trigger, node(Int), condition(Int, String), nowhere }

    let trigger = Trigger(id: "T", name: "t", config: .manual(ManualTrigger()))
    private(set) var nodes: [Node] = []
    private(set) var edges: [Edge] = []

    init(_ text: String) {
        for word in text.split(separator: " ") {
            let ends = word.split(separator: ">", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if ends.count == 2 {
                edges.append(Edge(id: "e\(edges.count)", source: ends[0], target: ends[1]))
            } else {
                nodes.append(Node(id: ends[0], name: "n\(nodes.count)", config: .branch(BranchNode(conditions: []))))
            }
        }
    }

    private func node(_ id: String) -> Int? { nodes.firstIndex { $0.id == id } }

    /// Nil for a source that does not exist.
    private func source(of edge: Edge) -> Source? {
        if edge.source == trigger.id { return .trigger }
        if let node = node(edge.source) { return .node(node) }
        let parts = edge.source.unicodeScalars.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count > 1 else { return nil }
        for count in 1..<parts.count {
            if let node = node(parts[..<count].joined(separator: ".")) {
                return .condition(node, parts[count...].joined(separator: "."))
            }
        }
        return .nowhere
    }

    /// The node that an edge waits for, and the node that waits.
    private func link(_ edge: Edge) -> (from: Int, to: Int)? {
        guard let target = node(edge.target) else { return nil }
        return switch source(of: edge) {
        case .node(let from), .condition(let from, _): (from, target)
        case .trigger, .nowhere, nil: nil
        }
    }

    // MARK: Refusals

    private var hasDuplicates: Bool { Set(nodes.map(\.id)).count < nodes.count }

    private var hasCycle: Bool {
        let links = edges.compactMap(link)
        var left = Set(nodes.indices)
        while true {
            let free = left.filter { node in !links.contains { $0.to == node && left.contains($0.from) } }
            if free.isEmpty { return !left.isEmpty }
            left.subtract(free)
        }
    }

    /// Never may be a task.
    var isHopeless: Bool { hasDuplicates || hasCycle }

    /// Why there may be no plan; nil if there may be one.
    var problem: String? {
        if isHopeless { return "duplicate ids or a cycle" }
        if edges.contains(where: { node($0.target) == nil || source(of: $0) == nil }) { return "an edge to or from nothing" }
        let isLed = edges.contains { source(of: $0) == .trigger }
        return nodes.isEmpty || isLed ? nil : "the trigger leads nowhere"
    }

    /// Whether what a refusal says is so.
    func deserves(_ error: PlanError) -> Bool {
        switch error {
        case .duplicateNode(let id): nodes.count { $0.id == id } > 1
        case .unknownTarget(let id, let edge): node(id) == nil && edges.contains { $0.id == edge && $0.target == id }
        case .unknownSource(let id, let edge):
            edges.contains { $0.id == edge && $0.source == id && source(of: $0) == nil }
        case .triggerLeadsNowhere: !edges.contains { source(of: $0) == .trigger }
        case .cycle(let ids): !ids.isEmpty && zip(ids, ids.dropFirst() + ids.prefix(1)).allSatisfy(leads)
        case .nothingToStart:
            nodes.indices.allSatisfy { node in
                edges.contains { self.node($0.target) == node && source(of: $0) != .trigger }
            }
        }
    }

    private func leads(from: String, to: String) -> Bool {
        edges.compactMap(link).contains { nodes[$0.from].id == from && nodes[$0.to].id == to }
    }

    // MARK: Runs

    /// What is ready and what is skipped once these nodes finished, each having selected a condition or none.
    func settle(_ finished: [Int: String?]) -> (ready: Set<Int>, skipped: Set<Int>) {
        var skipped: Set<Int> = []
        while true {
            let next = Set(
                nodes.indices.filter { node in
                    let states = states(into: node, finished, skipped)
                    return !states.isEmpty && states.allSatisfy { $0 == .dead }
                })
            if next == skipped { break }
            skipped = next
        }
        let ready = nodes.indices.filter { node in
            let states = states(into: node, finished, skipped)
            guard finished[node] == nil, !states.contains(.open) else { return false }
            return states.isEmpty || states.contains(.taken)
        }
        return (Set(ready), skipped)
    }

    private enum State { case taken, dead, open }

    private func states(into node: Int, _ finished: [Int: String?], _ skipped: Set<Int>) -> [State] {
        edges.filter { self.node($0.target) == node }.map { edge in
            switch source(of: edge) {
            case .trigger: .taken
            case .nowhere, nil: .dead
            case .node(let from): finished[from] != nil ? .taken : skipped.contains(from) ? .dead : .open
            case .condition(let from, let id):
                if let selected = finished[from] { selected == id ? .taken : .dead } else {
                    skipped.contains(from) ? .dead : .open
                }
            }
        }
    }
}
