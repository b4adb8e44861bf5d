import AVSModel
import AVSPrimitives
import AVSProto
import AVSSchema
import AVSStorage
import AVSTesting
import Testing

@Suite("A stored record")
struct RecordTests {
    private static let now = Timestamp(milliseconds: 1_900_000_000_123)
    private static let address = Address("0xB99BC2E399e06CddCF5E725c0ea341E8f0322834") ?? .zero
    private static let task = TaskID("01jg2fe5mdvkbpheg0peysdkac") ?? TaskID(.zero)
    private static let execution = ExecutionID("01jg2fe5mfpg9kfnb9mrp4psn9") ?? ExecutionID(.zero)

    /// A task that uses every field, every trigger and every kind of node there is.
    private static func task(_ trigger: Trigger.Config) -> AutomationTask {
        let call = MethodCall(
            methodName: "count", callData: "0x06661abd", parameters: ["{{a.b}}"], applyToFields: ["count"])
        let configs: [Node.Config] = [
            .ethTransfer(ETHTransferNode(destination: "0x1", amount: "MAX")),
            .contractWrite(
                ContractWriteNode(
                    contractAddress: "0x2", callData: "0x00", contractABI: [["name": "f"]], methodCalls: [call],
                    isSimulated: false, value: "0", gasLimit: "21000")),
            .contractRead(ContractReadNode(contractAddress: "0x3", contractABI: [["name": "g"]], methodCalls: [call])),
            .graphQLQuery(GraphQLQueryNode(url: "https://e", query: "{a}", variables: ["a": "b"])),
            .restAPI(
                RestAPINode(
                    url: "https://e", headers: ["h": "v"], body: "x", method: "POST", options: ["summarize": true])),
            .customCode(CustomCodeNode(language: .javaScript, source: "return 1")),
            .branch(BranchNode(conditions: [.init(id: "c", type: "if", expression: "true")])),
            .filter(FilterNode(expression: "value > 1", inputVariable: "{{a.data}}")),
            .loop(
                LoopNode(
                    inputVariable: "{{a}}", iterationValue: "v", iterationKey: "k", mode: .parallel,
                    iterationTimeoutSeconds: 7,
                    runner: .restAPI(
                        RestAPINode(url: "https://e", method: "PUT", idempotencyHeader: "Idempotency-Key")))),
            .balance(
                BalanceNode(address: "0x4", chain: "1", includesSpam: true, minimumUSDCents: 5, tokenAddresses: ["0x5"])
            ),
        ]
        return AutomationTask(
            id: task, owner: address, wallet: address, name: "näme",
            trigger: Trigger(id: "t", name: "trigger", config: trigger),
            nodes: configs.enumerated().map { Node(id: "n\($0)", name: "node\($0)", config: $1) },
            edges: [Edge(id: "e", source: "t", target: "n0")],
            inputVariables: ["settings": ["name": "x", "list": [1, nil, "NUL \u{0}"]]], chainID: 31_337, startAt: now,
            expiredAt: now.adding(.seconds(1)), maxExecution: 9, executionDeadline: .seconds(86_400), status: .running,
            executionCount: 3, lastRanAt: now, completedAt: now, reserved: 2, runsInFlight: 1,
            requestedStatus: .canceled, validationFailures: 4)
    }

    private static let triggers: [Trigger.Config] = [
        .manual(ManualTrigger(data: ["a": 1], headers: ["h": "v"], pathParameters: ["p": "q"], language: .json)),
        .fixedTime(FixedTimeTrigger(epochs: [now])),
        .cron(CronTrigger(schedules: ["@hourly"])),
        .block(BlockTrigger(interval: 7)),
        .event(
            EventTrigger(
                queries: [
                    EventQuery(
                        addresses: ["0x1"], topics: ["0x2", ""], maxEventsPerBlock: 0, contractABI: [["type": "event"]],
                        conditions: [
                            EventCondition(fieldName: "E.f", comparison: "gt", value: "1", fieldType: "int256")
                        ],
                        methodCalls: [MethodCall(methodName: "decimals")])
                ], cooldownSeconds: 0)),
    ]

    @Test("of a task keeps everything, for each kind of trigger and node", arguments: triggers)
    func tasks(trigger: Trigger.Config) throws {
        let task = Self.task(trigger)
        #expect(try AutomationTask(stored: task.stored) == task)
    }

    @Test("of an execution keeps everything, for each kind of step")
    func executions() throws {
        let kinds = TriggerKind.allCases.map(StepKind.trigger) + NodeKind.allCases.map(StepKind.node)
        let steps = kinds.map { kind in
            Step(
                id: "s", name: "step", kind: kind, success: false, error: "why", errorCode: .rpcNodeError, log: "l\n",
                inputs: ["a.data"], config: ["a": 1], output: ["b": [true]], metadata: ["m": nil],
                executionContext: ["chain_id": 1], gasUsed: "1", gasPrice: "2", totalGasCost: "2", startAt: Self.now,
                endAt: Self.now)
        }
        let execution = Execution(
            id: Self.execution, taskID: Self.task, index: 4, startAt: Self.now, endAt: Self.now, status: .failed,
            error: "1 of 2", steps: steps)
        #expect(try Execution(stored: execution.stored) == execution)
    }

    @Test("XO-16: an intent comes back in every state, with all that recognises its operation")
    func intents() throws {
        let states: [Intent.State] = [
            .allocated, .sent, .final(.carriedOut(transaction: .zero, succeeded: true)),
            .final(.carriedOut(transaction: .zero, succeeded: false)), .final(.lost("nonce 4 was used by another")),
        ]
        for (state, validUntil) in zip(states, [1_900_000_900, nil, nil, 1, nil] as [UInt64?]) {
            var intent = Intent(
                step: "loop_iter_3/0", requestDigest: .zero, createdAt: Self.now, chainID: 31_337, entryPoint: .zero,
                sender: .zero, nonce: .max, hash: .zero, operation: Array("{}".utf8), validUntil: validUntil,
                fromBlock: .max)
            intent.state = state
            intent.updatedAt = Self.now.adding(.seconds(1))
            #expect(try Intent(stored: intent.stored) == intent)
        }
        let index = try #require(KeyIndex(7))
        for lane in [Lane(), Lane(nextNonce: .max, open: IntentKey(ExecutionID(ULID(value: 5)), index))] {
            #expect(try Lane(stored: lane.stored) == lane)
        }
        #expect(throws: (any Error).self) { try Intent(stored: [0xff]) }
        #expect(throws: (any Error).self) { try Intent(stored: []) }
    }

    @Test("of every other table keeps everything")
    func others() throws {
        let job = Job(
            number: 5, taskID: Self.task, executionID: Self.execution, owner: Self.address, index: 3,
            trigger: TriggerOutput(kind: .event, data: ["a": 1]), input: ["x": "y"], enqueuedAt: Self.now,
            endedAt: Self.now)
        #expect(try Job(stored: job.stored) == job)
        let claim = Claim(
            epoch: 7, attempt: 2, taskID: Self.task, jobNumber: 5, startedAt: Self.now, deadline: Self.now,
            givenBack: 1)
        #expect(try Claim(stored: claim.stored) == claim)
        let step = Step(
            id: "n", name: "node", kind: .node(.branch), success: false, error: "e", log: "l", inputs: ["a"],
            config: ["x": 1], output: ["y": .null], startAt: Self.now, endAt: Self.now)
        for (step, data, condition) in [(nil, nil, nil), (step, JSONValue.null, ""), (step, ["z": 1.5], "c")] {
            let entry = JournalEntry(
                nodeID: "n", inputDigest: Keccak256.hash([1]), step: step, data: data, selectedCondition: condition)
            #expect(try JournalEntry(stored: entry.stored) == entry)
        }
        for position in [nil, Occurrence.Position(axis: .time, value: 9), .init(axis: .chain(1), value: .max)] {
            for execution in [Self.execution, nil] {
                let dedup = Dedup(executionID: execution, identity: "e 1", position: position, recordedAt: Self.now)
                #expect(try Dedup(stored: dedup.stored) == dedup)
            }
        }
        for marks in [[1: 2], [.max: .max], [1: 2, .max: .max], [0: 0]] as [[UInt64: UInt64]] {
            let low = DedupLow(blockByChain: marks, minute: 3)
            let back = try DedupLow(stored: low.stored)
            #expect(back == low)
        }
        for pending in [PendingRun(index: 0, job: nil), PendingRun(index: 8, job: 9)] {
            #expect(try PendingRun(stored: pending.stored) == pending)
        }
        let wallet = SmartWallet(
            owner: Self.address, address: Self.address, factory: nil, salt: .max, isHidden: true, isStale: true)
        #expect(try SmartWallet(stored: wallet.stored) == wallet)
        let node = OperatorInfo(
            address: Self.address, name: "n", remoteIP: "1.2.3.4", lastPing: Timestamp(seconds: 5), version: "1",
            metricsPort: 9, blockNumber: 3, eventCount: 2)
        #expect(try OperatorInfo(stored: node.stored) == node)
    }

    @Test(
        "API-10.3.30: of a task without an id, or with none that is one, is refused; its counts survive a store and load"
    )
    func taskID() throws {
        var counted = Self.task(Self.triggers[0])
        (counted.executionCount, counted.reserved, counted.runsInFlight) = (7, 2, 1)
        let back = try AutomationTask(stored: counted.stored)
        #expect(back.executionCount == 7 && back.reserved == 2 && back.runsInFlight == 1)
        for id in ["", "01jg2fe5mdvkbpheg0peysdka", "not an id at all, not one"] {
            var record = try Stored.TaskRecord(serialized: counted.stored)
            record.task?.id = id
            #expect(throws: (any Error).self) { _ = try AutomationTask(stored: record.serialized()) }
            #expect(throws: (any Error).self) { _ = try RecordedTask(stored: record.serialized()) }
        }
    }

    @Test("that is damaged is an error, never a trap", arguments: 0..<20 as Range<UInt64>)
    func damaged(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let records = [
            Self.task(Self.triggers[Int(seed) % Self.triggers.count]).stored,
            Claim(epoch: 7, attempt: 2, taskID: Self.task, jobNumber: 5, startedAt: Self.now, deadline: Self.now)
                .stored,
            PendingRun(index: 8, job: 9).stored,
        ]
        for var bytes in records {
            for _ in 0..<30 {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                readAll(bytes)
                readAll(Array(bytes.prefix(Int(random.next() % UInt64(bytes.count)))))
            }
        }
    }

    /// Reads bytes as every kind of record; what they mean does not matter.
    private func readAll(_ bytes: [UInt8]) {
        for kind in [
            AutomationTask.self, Execution.self, Job.self, Claim.self, Dedup.self, DedupLow.self, PendingRun.self,
            SmartWallet.self, OperatorInfo.self, TaskStatus.self, ExecutionStatus.self, Address.self,
        ] as [any StoreValue.Type]
        {
            do { _ = try kind.init(stored: bytes) } catch { continue }
        }
    }
}
