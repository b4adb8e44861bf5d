import AVSModel
import AVSTesting
import Testing

@testable import AVSWorkflow

/// The rule of 1.5 in the obvious way: look at all edges again and again until nothing changes.
private struct SlowModel {
    let plan: Plan
    var finished: [Int: String?] = [:]

    enum Edge { case taken, dead, open }

    /// Ready (not finished) and skipped nodes.
    func settle() -> (ready: Set<Int>, skipped: Set<Int>) {
        var skipped: Set<Int> = []
        while true {
            let next = Set(
                plan.nodes.indices.filter { node in
                    let edges = plan.links.filter { $0.target == node }.map { state(of: $0, skipped: skipped) }
                    return !edges.isEmpty && edges.allSatisfy { $0 == .dead }
                })
            if next == skipped { break }
            skipped = next
        }
        let ready = plan.nodes.indices.filter { node in
            guard finished[node] == nil, !skipped.contains(node) else { return false }
            let edges = plan.links.filter { $0.target == node }.map { state(of: $0, skipped: skipped) }
            return edges.allSatisfy { $0 != .open } && (edges.isEmpty || edges.contains { $0 == .taken })
        }
        return (Set(ready), skipped)
    }

    private func state(of link: Plan.Link, skipped: Set<Int>) -> Edge {
        switch link.source {
        case .trigger: return .taken
        case .nowhere: return .dead
        case .node(let node):
            if finished[node] != nil { return .taken }
            return skipped.contains(node) ? .dead : .open
        case .condition(let node, let id):
            if let selected = finished[node] { return selected.map { Array($0.utf8) } == id ? .taken : .dead }
            return skipped.contains(node) ? .dead : .open
        }
    }
}

@Suite("The edge scheduler against a slow model")
struct EdgeSchedulerPropertyTests {
    private static func plan(using random: inout SeededGenerator) throws -> Plan {
        let count = Int.random(in: 1...12, using: &random)
        // Edges lead from smaller to larger numbers, so there is no cycle; then the nodes are shuffled.
        let ids = (0..<count).map { "n\($0)" }
        var edges = [Edge(id: "t", source: "T", target: "n0")]
        for target in 0..<count {
            for source in 0..<target where Int.random(in: 0..<3, using: &random) == 0 {
                let condition = ["", "", ".c1", ".c2"].randomElement(using: &random) ?? ""
                edges.append(Edge(id: "e\(edges.count)", source: "n\(source)\(condition)", target: "n\(target)"))
            }
            if Int.random(in: 0..<6, using: &random) == 0 {
                edges.append(Edge(id: "t\(target)", source: "T", target: "n\(target)"))
            }
            if target > 0, Int.random(in: 0..<12, using: &random) == 0 {
                edges.append(Edge(id: "u\(target)", source: "gone.c1", target: "n\(target)"))
            }
        }
        return try Plan(
            trigger: Trigger(id: "T", name: "t", config: .manual(ManualTrigger())),
            nodes: ids.shuffled(using: &random).map {
                Node(id: $0, name: $0, config: .branch(BranchNode(conditions: [])))
            },
            edges: edges.shuffled(using: &random))
    }

    @Test(
        "offers the same nodes at every moment, each once, and comes to an end",
        arguments: 1...300 as ClosedRange<UInt64>)
    func agrees(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let plan = try Self.plan(using: &random)
        var scheduler = EdgeScheduler(plan: plan)
        var model = SlowModel(plan: plan)
        var ready = Set(scheduler.start())
        var offered = ready.count
        while true {
            let expected = model.settle()
            try #require(ready == expected.ready)
            try #require(Set(scheduler.skipped) == expected.skipped)
            try #require(scheduler.isActive == !ready.isEmpty)
            guard let node = ready.sorted().randomElement(using: &random) else { break }
            let selected = ["c1", "c2", "c3", nil].randomElement(using: &random) ?? nil
            ready.remove(node)
            model.finished[node] = .some(selected)
            let new = scheduler.finish(node, selected: selected)
            try #require(ready.isDisjoint(with: new))
            offered += new.count
            ready.formUnion(new)
        }
        #expect(offered == model.finished.count)
        #expect(model.finished.count + scheduler.skipped.count == plan.nodes.count)
    }
}
