import AVSClient
import AVSCrypto
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire
import Testing

@Suite("Secrets, counts, trials, tokens and fees through the client")
struct MoreCallTests {
    @Test("secrets are written by name and scope, and listed without their values")
    func secrets() async throws {
        let seen = Seen<Wire.CreateOrUpdateSecretReq>()
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.createSecret) { request, _ in
                .with { $0.status = seen.append(request) == 1 ? "created" : "updated" }
            },
            .unary(Wire.AggregatorMethods.deleteSecret) { request, _ in
                .with { $0.status = request.name == "token" ? "deleted" : "not_found" }
            },
            .unary(Wire.AggregatorMethods.listSecrets) { request, _ in
                #expect(request.workflowId == Known.task && request.includeTimestamps)
                return .with {
                    $0.items = [
                        .with {
                            $0.name = "token"
                            $0.scope = "workflow"
                            $0.workflowId = Known.task
                            $0.createdAt = 5
                            $0.updatedAt = 6
                        }
                    ]
                }
            },
        ]
        let (name, scope) = (try SecretName("token"), ScopeID(try Known.taskID))
        try await withAggregator(methods, session: try Known.session()) { client in
            #expect(try await client.createSecret(name, Sensitive("a")) == .created)
            #expect(try await client.createSecret(name, Sensitive("b"), scope: .workflow(scope)) == .updated)
            #expect(try await client.deleteSecret(name))
            let wasThere = try await client.deleteSecret(SecretName("other"))
            #expect(!wasThere)
            var entries: [SecretEntry] = []
            for try await entry in client.secrets(of: scope) { entries.append(entry) }
            let owner = try Known.key().address
            let expected = SecretEntry(
                name: name, scope: .workflow(scope), owner: owner, createdAt: Timestamp(milliseconds: 5),
                updatedAt: Timestamp(milliseconds: 6))
            #expect(entries == [expected])
        }
        #expect(seen.all.map(\.secret) == ["a", "b"] && seen.all.map(\.workflowId) == ["", Known.task])
    }

    @Test("counts of nothing are zero and ask nobody; on the wire an empty list means all")
    func counts() async throws {
        let seen = Seen<[String]>()
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.getWorkflowCount) { request, _ in
                seen.append(request.addresses)
                return .with { $0.total = 3 }
            },
            .unary(Wire.AggregatorMethods.getExecutionCount) { request, _ in
                seen.append(request.workflowIds)
                return .with { $0.total = 4 }
            },
            .unary(Wire.AggregatorMethods.getExecutionStats) { request, _ in
                #expect(request.days == 1)
                return .with {
                    $0.total = 3
                    $0.succeeded = 2
                    $0.failed = 1
                    $0.avgExecutionTime = 1_500.4
                }
            },
        ]
        try await withAggregator(methods, session: try Known.session()) { client in
            #expect(try await client.getWorkflowCount(of: []) == 0)
            #expect(try await client.getExecutionCount(of: []) == 0)
            #expect(try await client.getExecutionStats(of: []).total == 0)
            #expect(try await client.getWorkflowCount() == 3)
            #expect(try await client.getWorkflowCount(of: [Known.walletAddress]) == 3)
            #expect(try await client.getExecutionCount(of: [Known.taskID]) == 4)
            let totals = try await client.getExecutionStats(days: -3)
            let mean = Duration.milliseconds(1_500)
            #expect(totals == ExecutionTotals(total: 3, succeeded: 2, failed: 1, averageDuration: mean))
        }
        #expect(seen.all == [[], [Known.wallet], [Known.task]])
    }

    @Test("a trial that fails is a result with its number")
    func trials() async throws {
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.runNodeWithInputs) { request, _ in
                #expect(request.inputVariables == ["x": 1])
                return .with {
                    $0.error = "connection refused"
                    $0.errorCode = .init(rawValue: 5_000)
                    $0.outputData = .restApi(.init())
                }
            },
            .unary(Wire.AggregatorMethods.runTrigger) { _, _ in
                .with {
                    $0.success = true
                    $0.outputData = .manualTrigger(.with { $0.data = ["degrees": 35] })
                }
            },
        ]
        let task = try TaskTests.newTask()
        try await withAggregator(methods, session: try Known.session()) { client in
            let node = try await client.runNodeWithInputs(task.nodes[0], input: ["x": 1])
            #expect(!node.success && node.errorCode == .rpcNodeError && node.output == nil)
            let trigger = try await client.runTrigger(task.trigger)
            #expect(trigger == TrialResult(success: true, output: ["degrees": 35]))
        }
    }

    @Test("a withdrawal names asset and amount; one that was not sent throws with the aggregator's word")
    func withdrawals() async throws {
        let seen = Seen<Wire.WithdrawFundsReq>()
        let hash = "0x" + String(repeating: "ab", count: 32)
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.withdrawFunds) { request, _ in
                guard seen.append(request) < 3 else {
                    return .with {
                        $0.status = "failed"
                        $0.message = "failed to send withdrawal transaction: no bundler"
                    }
                }
                return .with {
                    $0.success = true
                    $0.status = request.amount == "max" ? "pending" : "confirmed"
                    $0.userOpHash = hash
                    $0.transactionHash = request.amount == "max" ? "" : hash
                    $0.submittedAt = 7
                }
            }
        ]
        let wallet = try Known.walletAddress
        try await withAggregator(methods, session: try Known.session()) { client in
            let all = try await client.withdrawFunds(Withdrawal(.everything, of: .coin, from: wallet, to: wallet))
            #expect(!all.isConfirmed && all.transaction == nil && all.userOperation.hex == hash)
            let some = Withdrawal(.exactly(UInt256(5)), of: .token(wallet), from: wallet, to: wallet)
            let sent = try await client.withdrawFunds(some)
            #expect(sent.isConfirmed && sent.transaction == sent.userOperation)
            #expect(sent.submittedAt == Timestamp(seconds: 7))
            let error = await #expect(throws: AggregatorError.self) { try await client.withdrawFunds(some) }
            #expect(error?.reason == "failed" && error?.message.contains("no bundler") == true)
        }
        #expect(seen.all.map(\.token) == ["ETH", Known.wallet, Known.wallet])
        #expect(seen.all.map(\.amount) == ["max", "5", "5"])
    }

    @Test("tokens that are unknown are nil")
    func tokens() async throws {
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.getTokenMetadata) { request, _ in
                guard request.address == Known.wallet else { return .init() }
                return .with {
                    $0.found = true
                    $0.source = "rpc"
                    $0.token = .with {
                        $0.id = request.address
                        $0.symbol = "USDC"
                        $0.decimals = 6
                    }
                }
            }
        ]
        try await withAggregator(methods, session: try Known.session()) { client in
            #expect(try await client.getTokenMetadata(of: .zero) == nil)
            let token = try await client.getTokenMetadata(of: Known.walletAddress)
            #expect(token?.symbol == "USDC" && token?.decimals == 6 && token?.source == "rpc")
        }
    }

    @Test("an estimate keeps the units of its parts; a task without an end is estimated for a year")
    func fees() async throws {
        let seen = Seen<Wire.EstimateFeesReq>()
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.estimateFees) { request, _ in
                seen.append(request)
                return .with {
                    $0.chainId = "8453"
                    $0.nativeToken = .with {
                        $0.symbol = "ETH"
                        $0.decimals = 18
                    }
                    $0.executionFee = Wire.Fee("0.020000", .dollars)
                    $0.cogs = [
                        .with {
                            $0.nodeId = "n"
                            $0.costType = "gas"
                            $0.fee = .with {
                                $0.amount = "75000000000000"
                                $0.unit = "WEI"
                            }
                            $0.gasUnits = "150000"
                        }
                    ]
                    $0.valueFee = .with { $0.tier = .init(rawValue: 1) }
                    $0.warnings = ["w"]
                }
            }
        ]
        var task = try TaskTests.newTask()
        task.expiredAt = nil
        task.startAt = Timestamp(milliseconds: 1_000)
        let asked = task
        let estimate = try await withAggregator(methods, session: try Known.session()) {
            try await $0.estimateFees(for: asked)
        }
        #expect(estimate.chainID == 8_453 && "\(estimate.executionFee)" == "0.020000 USD")
        #expect(estimate.nodeCosts.map(\.fee.unit) == ["WEI"] && estimate.valueFee?.tier == 1)
        #expect(estimate.warnings == ["w"])
        let request = try #require(seen.all.first)
        #expect(request.createdAt == 1_000 && request.expireAt == 1_000 + 365 * 24 * 3_600_000)
        #expect(request.runner == Known.wallet)
    }
}
