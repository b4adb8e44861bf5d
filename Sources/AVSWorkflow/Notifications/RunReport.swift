import AVSModel
import AVSPrimitives

/// A run as far as it has come: what a notification tells of it.
struct RunReport: Sendable {
    enum Kind: Hashable, Sendable {
        /// One node for itself.
        case singleNode
        case simulation
        /// A stored task's run, and which one of its task, from 0.
        case deployed(index: Int64)
    }

    var kind: Kind
    var workflowName: String
    /// The smart wallet, checksummed; empty if there is none.
    var wallet: String
    var chainID: UInt64
    /// Nil where no trigger fired.
    var trigger: Step?
    /// Of the nodes, in the order in which they ended.
    var steps: [Step] = []
    /// All nodes of the graph.
    var nodes: [Node] = []
    /// The ids of nodes behind arms that were not taken.
    var skipped: Set<String> = []
    var startAt: Timestamp

    /// Of one node for itself: what the variables say of it.
    init(of node: Node, variables: [String: JSONValue], chainID: UInt64, at now: Timestamp) {
        let settings = variables["settings"]
        kind = .singleNode
        workflowName = settings?["name"]?.stringValue ?? "Workflow"
        wallet = (settings?["runner"]?.stringValue).flatMap { Address($0)?.checksummed } ?? ""
        self.chainID = chainID
        nodes = [node]
        startAt = now
    }

    /// Of a task's run.
    init(of task: AutomationTask, isSimulated: Bool, trigger: Step) {
        kind = isSimulated ? .simulation : .deployed(index: max(0, task.executionCount - 1))
        workflowName = task.name.isEmpty ? "Workflow" : task.name
        wallet = task.wallet.checksummed
        chainID = task.chainID
        self.trigger = trigger
        nodes = task.nodes
        startAt = trigger.startAt
    }
}

/// Chains as people name them, and where their transactions can be looked up.
enum ChainNames {
    private static let known: [UInt64: (name: String, explorer: String)] = [
        1: ("Ethereum", "etherscan.io"), 11_155_111: ("Sepolia", "sepolia.etherscan.io"),
        137: ("Polygon", "polygonscan.com"), 42_161: ("Arbitrum", "arbiscan.io"),
        10: ("Optimism", "optimistic.etherscan.io"), 8_453: ("Base", "basescan.org"),
        84_532: ("Base Sepolia", "sepolia.basescan.org"), 56: ("BNB Smart Chain", "bscscan.com"),
        43_114: ("Avalanche", "snowtrace.io"),
    ]

    static func name(of id: UInt64) -> String { known[id]?.name ?? "chain \(id)" }

    /// Nil for a chain without a known explorer.
    static func link(toTransaction hash: String, on id: UInt64) -> String? {
        known[id].map { "https://\($0.explorer)/tx/\(hash)" }
    }
}
