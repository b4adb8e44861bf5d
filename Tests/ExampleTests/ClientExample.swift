import AVSClient
import AVSCrypto
import AVSModel
import AVSPrimitives

/// What the README shows, without the indentation.
func runBranch(as key: SigningKey) async throws -> TriggeredRun {
    // example-begin
    let client = try AggregatorClient(target: "127.0.0.1:2206")
    try await client.signIn(with: key)
    let wallet = try await client.getWallet().wallet.address
    let start = Trigger(id: "start", name: "start", config: .manual(ManualTrigger(language: .json)))
    let isHot = BranchNode.Condition(id: "hot", type: "if", expression: "start.data.degrees > 30")
    let check = Node(id: "check", name: "check", config: .branch(BranchNode(conditions: [isHot])))
    let edge = Edge(id: "e1", source: "start", target: "check")
    let task = NewTask(name: "Heat", wallet: wallet, trigger: start, nodes: [check], edges: [edge])
    let run = try await client.triggerTask(client.createTask(task), data: ["degrees": 35], isBlocking: true)
    for step in run.steps { print(step.name, step.success, step.output?.serialized ?? "") }
    // example-end
    await client.close()
    return run
}
