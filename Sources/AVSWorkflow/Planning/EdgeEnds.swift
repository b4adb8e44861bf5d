import AVSModel

/// Where the nodes of a task stand, by their ids. Ids are compared as bytes: to Swift `é` is `e` with an accent behind
/// it, to clients it is another id (INP-1).
struct NodePositions {
    private let nodes: [Node]
    /// No two ids are one to Swift, so whoever goes by node ids behind a plan may compare them as Swift does.
    private var positions: [String: Int] = [:]
    /// In bytes: of an edge's source only these prefixes can be an id.
    private(set) var idLengths: Set<Int> = []

    /// - Throws: ``PlanError/duplicateNode(_:)``.
    init(_ nodes: [Node]) throws(PlanError) {
        self.nodes = nodes
        for (position, node) in nodes.enumerated() {
            guard positions.updateValue(position, forKey: node.id) == nil else { throw .duplicateNode(node.id) }
            idLengths.insert(node.id.utf8.count)
        }
    }

    subscript(id: some StringProtocol) -> Int? {
        guard let position = positions[String(id)], nodes[position].id.utf8.elementsEqual(id.utf8) else { return nil }
        return position
    }
}

/// What the ends of edges stand for: the trigger's id, a node's id, or `<branch node id>.<condition id>`.
struct EdgeEnds {
    let trigger: String
    let nodes: NodePositions

    /// Nil for a plain source that does not exist. Ids may hold dots themselves: a whole id comes first, then the
    /// first dot behind which a node's id ends.
    func source(_ text: String) -> Plan.Source? {
        if text.utf8.elementsEqual(trigger.utf8) { return .trigger }
        if let node = nodes[text] { return .node(node) }
        let bytes = text.utf8
        guard bytes.contains(UInt8(ascii: ".")) else { return nil }
        // Dots are bytes: with a combining mark behind it one is no character of its own (INP-2). A peer chose how many
        // there are, so only those are looked at that stand where an id may end.
        for (offset, dot) in zip(0..., bytes.indices) where bytes[dot] == UInt8(ascii: ".") {
            guard nodes.idLengths.contains(offset), let node = nodes[text[..<dot]] else { continue }
            return .condition(node: node, id: Array(bytes[bytes.index(after: dot)...]))
        }
        return .nowhere
    }
}
