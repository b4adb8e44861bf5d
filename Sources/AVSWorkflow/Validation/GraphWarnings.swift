public import AVSModel

extension AutomationTask {
    /// What is accepted although it is most likely not meant: names that share a variable, nodes that no path from the
    /// trigger leads to, edges from a condition that no branch has. One sentence a kind, which names at most five.
    ///
    /// - Source: execution-engine.md 1.2, *CHOICE*.
    public var graphWarnings: [String] {
        let ends: EdgeEnds
        do throws(PlanError) {
            ends = EdgeEnds(trigger: trigger.id, nodes: try NodePositions(nodes))
        } catch {
            return []  // no task at all
        }
        return [
            Self.warning("several nodes or the trigger share the variable", sharedVariables),
            Self.warning("no path from the trigger leads to", unreachedNodes(ends)),
            Self.warning("no branch has the condition of the edge", strayEdges(ends)),
        ].compactMap { $0 }
    }

    private static func warning(_ text: String, _ names: [String]) -> String? {
        guard !names.isEmpty else { return nil }
        let shown = names.prefix(5).map { "'\($0.excerpt())'" }.joined(separator: ", ")
        return "\(text) \(shown)" + (names.count > 5 ? " and \(names.count - 5) more" : "")
    }

    private var sharedVariables: [String] {
        var uses = [Identifier.variable(for: trigger.name): 1]
        for node in nodes { uses[Identifier.variable(for: node.name, orElse: node.id), default: 0] += 1 }
        return uses.filter { $0.value > 1 }.keys.sorted()
    }

    private func unreachedNodes(_ ends: EdgeEnds) -> [String] {
        var behind = [[Int]](repeating: [], count: nodes.count)
        var due: [Int] = []
        for edge in edges {
            guard let target = ends.nodes[edge.target] else { continue }
            switch ends.source(edge.source) {
            case .trigger: due.append(target)
            case .node(let node), .condition(let node, _): behind[node].append(target)
            case .nowhere, nil: break
            }
        }
        var isReached = [Bool](repeating: false, count: nodes.count)
        while let node = due.popLast() {
            guard !isReached[node] else { continue }
            isReached[node] = true
            due += behind[node]
        }
        return zip(nodes, isReached).filter { !$1 }.map(\.0.id)
    }

    private func strayEdges(_ ends: EdgeEnds) -> [String] {
        edges.filter { edge in
            switch ends.source(edge.source) {
            case .nowhere: true
            case .condition(let node, let id): !nodes[node].hasCondition(id)
            case .trigger, .node, nil: false
            }
        }.map(\.source)
    }
}

extension Node {
    fileprivate func hasCondition(_ id: [UInt8]) -> Bool {
        guard case .branch(let branch) = config else { return false }
        return branch.conditions.contains { $0.id.utf8.elementsEqual(id) }
    }
}
