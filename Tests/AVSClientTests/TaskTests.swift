import AVSClient
import AVSCrypto
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire
import Testing

@Suite("Tasks and wallets through the client")
struct TaskTests {
    static func newTask() throws -> NewTask {
        NewTask(
            name: "Heat", wallet: try Known.walletAddress,
            trigger: Trigger(id: "start", name: "start", config: .manual(ManualTrigger(language: .json))),
            nodes: [
                Node(id: "rest", name: "rest", config: .restAPI(RestAPINode(url: "https://a.example", method: "GET")))
            ],
            edges: [Edge(id: "e1", source: "start", target: "rest")],
            inputVariables: ["settings": ["extra": 1], "x": 2],
            chainID: 8453, expiredAt: Timestamp(milliseconds: 5), maxExecution: 3,
            executionDeadline: .milliseconds(59_001))
    }

    @Test("a new task says name, wallet and chain in its settings and keeps what else is there")
    func createTask() async throws {
        let seen = Seen<Wire.CreateTaskReq>()
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.createTask) { request, _ in
                seen.append(request)
                return .with { $0.id = Known.task }
            }
        ]
        let id = try await withAggregator(methods, session: try Known.session()) {
            try await $0.createTask(Self.newTask())
        }
        let expected = try Known.taskID
        #expect(id == expected)
        let request = try #require(seen.all.first)
        let wallet = try Known.walletAddress.checksummed
        #expect(
            request.inputVariables == [
                "settings": ["extra": 1, "name": "Heat", "runner": .string(wallet), "chain_id": "8453"], "x": 2,
            ])
        #expect(request.trigger?.type == .manual)
        #expect(request.nodes.map(\.type) == [.restApi])
        #expect(request.expiredAt == 5 && request.startAt == 0 && request.maxExecution == 3)
        #expect(request.executionDeadlineSeconds == 60, "no run gets less time than was asked for")
    }

    @Test(
        "a deadline goes out in whole seconds, rounded up, and none as 0",
        arguments: [
            (nil, 0), (.zero, 0), (.seconds(-1), 0), (.nanoseconds(1), 1), (.seconds(60), 60),
            (.milliseconds(86_399_001), 86_400), (.seconds(Int64.max) + .milliseconds(999), .max),
        ] as [(Duration?, UInt32)])
    func deadlines(deadline: Duration?, seconds: UInt32) {
        #expect(deadline.wireSeconds == seconds)
        #expect((seconds == 0) == (Duration?(wireSeconds: seconds) == nil))
    }

    @Test(
        "a task's chain is that of its settings, else that of the session",
        arguments: [("8453", 8453), ("0x2105", 8453), (nil, 31337)] as [(String?, UInt64)])
    func chain(text: String?, chain: UInt64) async throws {
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.getTask) { request, _ in
                try Known.wireTask(request.id, settings: text.map { ["chain_id": .string($0)] } ?? [:])
            }
        ]
        let task = try await withAggregator(methods, session: try Known.session()) {
            try await $0.getTask(Known.taskID)
        }
        #expect(task.chainID == chain)
        #expect(task.trigger.config == .cron(CronTrigger(schedules: ["@hourly"])))
    }

    @Test("a refused change throws with the aggregator's word and number")
    func refusedChanges() async throws {
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.cancelTask) { request, call in
                var trailers = Metadata()
                try trailers.add("x-ap-error-code", "4001")
                call.setTrailingMetadata(trailers)
                return .with {
                    $0.status = "cannot_cancel"
                    $0.message = "Only active task can be cancelled, current status: Completed"
                    $0.previousStatus = "Completed"
                }
            },
            .unary(Wire.AggregatorMethods.deleteTask) { _, _ in
                .with {
                    $0.status = "not_found"
                    $0.message = "Task not found"
                }
            },
            .unary(Wire.AggregatorMethods.setTaskEnabled) { _, _ in .with { $0.status = "error" } },
        ]
        try await withAggregator(methods, session: try Known.session()) { client in
            let cancel = await #expect(throws: AggregatorError.self) { try await client.cancelTask(Known.taskID) }
            #expect(cancel?.code == .failedPrecondition)
            #expect(cancel?.errorCode == .taskAlreadyCompleted)
            #expect(cancel?.reason == "cannot_cancel")
            let delete = await #expect(throws: AggregatorError.self) { try await client.deleteTask(Known.taskID) }
            #expect(delete == .notFound(.init(.notFound, "Task not found", errorNumber: 2_000)))
            let enable = await #expect(throws: AggregatorError.self) {
                try await client.setTaskEnabled(Known.taskID, true)
            }
            #expect(enable?.code == .internal)
        }
    }

    @Test("a change that was made says from where and when")
    func change() async throws {
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.setTaskEnabled) { request, _ in
                .with {
                    $0.success = true
                    $0.status = request.enabled ? "enabled" : "disabled"
                    $0.previousStatus = "Enabled"
                    $0.updatedAt = 7
                }
            }
        ]
        let change = try await withAggregator(methods, session: try Known.session()) {
            try await $0.setTaskEnabled(Known.taskID, false)
        }
        #expect(change.outcome == "disabled" && change.previousStatus == .enabled)
        #expect(change.changedAt == Timestamp(milliseconds: 7))
    }

    @Test("a blocking trigger brings the run's steps", arguments: TriggerKind.allCases)
    func blockingTrigger(kind: TriggerKind) async throws {
        let step = Step(
            id: "start", name: "start", kind: .trigger(kind), output: ["a": 1], startAt: Timestamp(milliseconds: 1),
            endAt: Timestamp(milliseconds: 2))
        let seen = Seen<Wire.TriggerTaskReq>()
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.triggerTask) { request, _ in
                seen.append(request)
                return .with {
                    $0.executionId = Known.execution
                    $0.status = .success
                    $0.startAt = 1
                    $0.endAt = 2
                    $0.steps = [Wire.Execution.Step(step)]
                }
            }
        ]
        let run = try await withAggregator(methods, session: try Known.session()) {
            try await $0.triggerTask(Known.taskID, kind: kind, data: ["a": 1], input: ["b": 2], isBlocking: true)
        }
        #expect(run.steps == [step])
        #expect(run.executionID.description == Known.execution && run.status == .success)
        #expect(run.endAt == Timestamp(milliseconds: 2))
        let request = try #require(seen.all.first)
        #expect(request.triggerType.rawValue == kind.rawValue && request.isBlocking)
        #expect(request.triggerInput == ["b": 2])
        #expect(request.triggerOutput != nil)
    }

    @Test("wallets keep salt, factory and counts")
    func wallets() async throws {
        let salts = Seen<String>()
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.getWallet) { request, _ in
                salts.append(request.salt)
                return .with {
                    $0.address = Known.wallet
                    $0.salt = request.salt
                    $0.totalTaskCount = 3
                    $0.enabledTaskCount = 2
                }
            },
            .unary(Wire.AggregatorMethods.setWallet) { request, _ in
                .with {
                    $0.address = Known.wallet
                    $0.salt = request.salt
                    $0.isHidden = request.isHidden
                }
            },
            .unary(Wire.AggregatorMethods.listWallets) { _, _ in
                .with {
                    $0.items = [
                        .with {
                            $0.address = Known.wallet
                            $0.salt = "0"
                        }
                    ]
                }
            },
            .unary(Wire.AggregatorMethods.getNonce) { _, _ in .with { $0.nonce = "\(UInt256.max)" } },
        ]
        try await withAggregator(methods, session: try Known.session()) { client in
            let summary = try await client.getWallet(salt: .max)
            let owner = try Known.key().address
            #expect(summary.wallet.salt == .max && summary.wallet.owner == owner)
            #expect(summary.taskCount == 3 && summary.enabledTaskCount == 2 && summary.wallet.factory == nil)
            #expect(try await client.setWallet(salt: .zero, isHidden: true).wallet.isHidden)
            #expect(try await client.listWallets().map(\.address.checksummed) == [Known.wallet])
            #expect(try await client.getNonce(of: Known.walletAddress) == .max)
        }
        #expect(salts.all == ["\(UInt256.max)"])
    }
}
