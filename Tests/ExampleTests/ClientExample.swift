import AVSClient
import AVSCrypto
import AVSModel
import AVSPrimitives

// example-begin
func runBranch(at target: String, as key: SigningKey) async throws -> TriggeredRun {
    let client = try AggregatorClient(target: target)
    try await client.signIn(with: key)
    let wallet = try await client.getWallet().wallet.address
    let trigger = Trigger(id: "start", name: "start", config: .manual(ManualTrigger(language: .json)))
    let isHot = BranchNode.Condition(id: "hot", type: "if", expression: "start.data.degrees > 30")
    let node = Node(id: "check", name: "check", config: .branch(BranchNode(conditions: [isHot])))
    let edge = Edge(id: "e1", source: "start", target: "check")
    let id = try await client.createTask(
        NewTask(name: "Heat", wallet: wallet, trigger: trigger, nodes: [node], edges: [edge]))
    let run = try await client.triggerTask(id, data: ["degrees": 35], isBlocking: true)
    for step in run.steps { print(step.name, step.success, step.output?.serialized ?? "") }
    await client.close()
    return run
}
// example-end
