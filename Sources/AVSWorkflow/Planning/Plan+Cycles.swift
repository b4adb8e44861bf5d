extension Plan {
    /// The nodes of one cycle in the order of its edges; nil if there is none. Edges of conditions count: whichever is
    /// selected, no node may come before itself.
    func firstCycle() -> [Int]? {
        // Take away nodes without a predecessor until none is left to take (Kahn). Iterative: a peer chose the depth.
        var waitsFor = [Int](repeating: 0, count: nodes.count)
        for link in links where link.source.node != nil { waitsFor[link.target] += 1 }
        var free = nodes.indices.filter { waitsFor[$0] == 0 }
        var isTaken = [Bool](repeating: false, count: nodes.count)
        while let node = free.popLast() {
            isTaken[node] = true
            for link in leaving[node] {
                let target = links[link].target
                waitsFor[target] -= 1
                if waitsFor[target] == 0 { free.append(target) }
            }
        }
        guard let start = isTaken.firstIndex(of: false) else { return nil }
        return walkBack(from: start, isTaken: isTaken)
    }

    /// Every node that is left has a predecessor that is left, so walking back from one must meet itself.
    private func walkBack(from start: Int, isTaken: [Bool]) -> [Int] {
        var predecessor = [Int?](repeating: nil, count: nodes.count)
        for link in links {
            if let source = link.source.node, !isTaken[source] { predecessor[link.target] = source }
        }
        var path: [Int] = []
        var position = [Int?](repeating: nil, count: nodes.count)
        var node = start
        while position[node] == nil {
            position[node] = path.count
            path.append(node)
            guard let previous = predecessor[node] else { return path }
            node = previous
        }
        // In the direction of the edges, from the node that the task names first.
        let cycle = Array(path[(position[node] ?? 0)...].reversed())
        let start = cycle.indices.min { cycle[$0] < cycle[$1] } ?? 0
        return Array(cycle[start...] + cycle[..<start])
    }
}
