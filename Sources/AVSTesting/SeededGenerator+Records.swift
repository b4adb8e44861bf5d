public import AVSModel
public import AVSPrimitives

// Tasks and runs that a seed decides: every kind of trigger, node and step, texts with more than ASCII, and fields at
// their defaults as often as not.
extension SeededGenerator {
    public mutating func ulid() -> ULID {
        var ids = ULIDGenerator(after: nil)
        return ids.next(at: Timestamp(milliseconds: Int64(next() >> 20)), using: &self)
    }

    public mutating func task(owner: Address, wallet: Address, status: TaskStatus? = nil) -> AutomationTask {
        let nodes = (0..<below(6)).map { Node(id: "n\($0)", name: "node\($0)", config: node()) }
        return AutomationTask(
            id: TaskID(ulid()), owner: owner, wallet: wallet, name: text(),
            trigger: Trigger(id: text(), name: text(), config: trigger()), nodes: nodes,
            edges: nodes.map { Edge(id: text(), source: "t", target: $0.id) }, inputVariables: object(depth: 2),
            chainID: next() >> 40, startAt: instant(), expiredAt: instant(), maxExecution: Int64(below(3)),
            executionDeadline: isTrue() ? .seconds(1 + below(86_400)) : nil,
            status: status ?? TaskStatus.allCases[below(TaskStatus.allCases.count)], executionCount: Int64(below(3)),
            lastRanAt: instant(), completedAt: instant(), reserved: Int64(below(3)), runsInFlight: Int64(below(2)),
            requestedStatus: isTrue() ? .disabled : nil, validationFailures: Int64(below(3)))
    }

    public mutating func execution(of task: TaskID) -> Execution {
        let kinds = TriggerKind.allCases.map(StepKind.trigger) + NodeKind.allCases.map(StepKind.node)
        let steps = (0..<below(5)).map { _ in step(kinds[below(kinds.count)]) }
        return Execution(
            id: ExecutionID(ulid()), taskID: task, index: Int64(below(9)),
            startAt: Timestamp(milliseconds: Int64(below(2_000))), endAt: instant(),
            status: ExecutionStatus.allCases[below(ExecutionStatus.allCases.count)], error: text(), steps: steps)
    }

    // MARK: Parts

    private mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &self) }

    private mutating func isTrue() -> Bool { Bool.random(using: &self) }

    private mutating func text() -> String { ["", "a", "näme", "{{a.b}}", "line\nline", "\u{1f525}"][below(6)] }

    private mutating func instant() -> Timestamp? {
        isTrue() ? Timestamp(milliseconds: 1 + Int64(below(2_000_000_000))) : nil
    }

    private mutating func object(depth: Int) -> [String: JSONValue] {
        var fields: [String: JSONValue] = [:]
        for _ in 0..<below(4) { fields[text()] = json(depth: depth) }
        return fields
    }

    private mutating func json(depth: Int) -> JSONValue {
        switch below(depth > 0 ? 6 : 4) {
        case 0: .null
        case 1: .bool(isTrue())
        case 2: .number(Double(below(1_000)) / 4)
        case 3: .string(text())
        case 4: .array((0..<below(3)).map { _ in json(depth: depth - 1) })
        default: .object(object(depth: depth - 1))
        }
    }

    private mutating func trigger() -> Trigger.Config {
        switch below(5) {
        case 0:
            .manual(ManualTrigger(data: json(depth: 2), headers: ["h": text()], pathParameters: [:], language: .json))
        case 1: .fixedTime(FixedTimeTrigger(epochs: [Timestamp(milliseconds: Int64(below(9_999)))]))
        case 2: .cron(CronTrigger(schedules: ["@hourly", text()]))
        case 3: .block(BlockTrigger(interval: Int64(below(9))))
        default:
            .event(EventTrigger(queries: [EventQuery(addresses: [text()], topics: [text()])], cooldownSeconds: 1))
        }
    }

    private mutating func node() -> Node.Config {
        switch below(6) {
        case 0: .ethTransfer(ETHTransferNode(destination: text(), amount: "MAX"))
        case 1:
            .restAPI(
                RestAPINode(
                    url: text(), headers: ["h": text()], method: "POST", idempotencyHeader: isTrue() ? "Key" : ""))
        case 2: .customCode(CustomCodeNode(language: .javaScript, source: text()))
        case 3: .branch(BranchNode(conditions: [.init(id: "c", type: "if", expression: text())]))
        case 4: .filter(FilterNode(expression: text(), inputVariable: text()))
        default: .balance(BalanceNode(address: text(), chain: "1"))
        }
    }

    private mutating func step(_ kind: StepKind) -> Step {
        Step(
            id: text(), name: text(), kind: kind, success: isTrue(), error: text(),
            errorCode: isTrue() ? .rpcNodeError : .unspecified, log: text(), inputs: [text()],
            config: isTrue() ? json(depth: 1) : nil, output: isTrue() ? json(depth: 2) : nil,
            metadata: isTrue() ? json(depth: 1) : nil, executionContext: ["chain_id": 1], gasUsed: text(),
            startAt: Timestamp(milliseconds: Int64(below(9))), endAt: Timestamp(milliseconds: Int64(below(9))))
    }
}
