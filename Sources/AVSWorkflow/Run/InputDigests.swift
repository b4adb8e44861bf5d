import AVSModel
import AVSPrimitives

/// A digest for each node of a run of everything that decides what it does: its configuration, and what led to it.
///
/// A run that goes on after an interruption computes them anew. A node whose digest is another one than was recorded is
/// not the node that was run (XO-17). Digests are chained from node to node, so that each output is hashed once.
struct InputDigests {
    private let plan: Plan
    /// Per node, the positions of the nodes from which an edge leads to it, in the order of the edges.
    private let before: [[Int]]
    private let root: Hash32
    private var outputs: [Int: Hash32] = [:]

    /// - Parameters:
    ///   - trigger: the output of the trigger's step.
    ///   - input: the variables that the run began with.
    init(plan: Plan, trigger: JSONValue?, input: [String: JSONValue]) {
        var before = [[Int]](repeating: [], count: plan.nodes.count)
        for link in plan.links {
            if let node = link.source.node { before[link.target].append(node) }
        }
        self.plan = plan
        self.before = before
        root = Self.digest(of: [trigger ?? .null, .object(input)])
    }

    /// Of a node that is about to begin: everything that leads to it has ended or is never reached.
    func digest(ofInputTo position: Int) -> Hash32 {
        let node = plan.nodes[position]
        let name: JSONValue = [.string(node.id), .string(node.name), .string(node.kind.wireName)]
        let own: JSONValue = [name, NodeShape.config(of: node)]
        let led = before[position].compactMap { outputs[$0] }
        return Keccak256.hash(root.bytes + Self.digest(of: own).bytes + led.flatMap(\.bytes))
    }

    mutating func finish(_ position: Int, input: Hash32, data: JSONValue?) {
        outputs[position] = Keccak256.hash(input.bytes + Self.digest(of: data ?? .null).bytes)
    }

    private static func digest(of value: JSONValue) -> Hash32 { Keccak256.hash(value.serializedBytes) }
}
