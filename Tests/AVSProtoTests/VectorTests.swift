import AVSPrimitives
import Testing

@testable import AVSProto

/// Bytes written by hand from the tables of the API specification, section 1: field numbers are checked here against
/// something that protoc has not seen.
@Suite("The wire contract")
struct VectorTests {
    @Test("a task keeps the reference's numbers")
    func task() throws {
        let bytes: [UInt8] =
            field(1, "01k") + field(2, "0xA") + field(3, "0xB") + varint(4, 5) + varint(5, 6) + field(6, "n")
            + varint(7, 7) + varint(8, 8) + varint(9, 9) + varint(10, 10) + varint(11, 3)
            + field(12, field(1, "t") + field(4, field(1, field(1, "* * * * *"))) + field(7, "id") + varint(8, 3))
            + field(
                13, varint(1, 9) + field(2, "n1") + field(3, "loop") + field(17, field(1, varint(4, 1)) + field(13, []))
            )
            + field(14, field(1, "e") + field(2, "n0") + field(3, "n1"))
            + field(15, field(1, "k") + field(2, field(3, "v")))
        let task = Wire.Task.with {
            $0.id = "01k"
            $0.owner = "0xA"
            $0.smartWalletAddress = "0xB"
            $0.startAt = 5
            $0.expiredAt = 6
            $0.name = "n"
            $0.completedAt = 7
            $0.maxExecution = 8
            $0.executionCount = 9
            $0.lastRanAt = 10
            $0.status = .canceled
            $0.trigger = .with {
                $0.name = "t"
                $0.id = "id"
                $0.type = .cron
                $0.triggerType = .cron(.with { $0.config = .with { $0.schedules = ["* * * * *"] } })
            }
            $0.nodes = [
                .with {
                    $0.type = .loop
                    $0.id = "n1"
                    $0.name = "loop"
                    $0.taskType = .loop(
                        .with {
                            $0.config = .with { $0.executionMode = .parallel }
                            $0.runner = .graphqlDataQuery(.init())
                        })
                }
            ]
            $0.edges = [
                .with {
                    $0.id = "e"
                    $0.source = "n0"
                    $0.target = "n1"
                }
            ]
            $0.inputVariables = ["k": "v"]
        }
        #expect(task.serialized() == bytes)
        #expect(try Wire.Task(serialized: bytes) == task)
    }

    @Test("an execution's step keeps the reference's numbers")
    func step() throws {
        let bytes: [UInt8] =
            field(1, "s") + varint(2, 1) + field(12, "log") + field(13, "err") + varint(14, 1) + varint(15, 2)
            + field(16, "a") + field(16, "b") + field(17, "NODE_TYPE_BALANCE") + field(18, "n")
            + field(19, varint(4, 1)) + field(25, varint(1, 0)) + field(26, field(5, [])) + field(27, "1")
            + field(28, "2") + field(29, "3") + field(30, field(1, field(6, []))) + varint(31, 8004)
        let step = Wire.Execution.Step.with {
            $0.id = "s"
            $0.success = true
            $0.log = "log"
            $0.error = "err"
            $0.startAt = 1
            $0.endAt = 2
            $0.inputs = ["a", "b"]
            $0.type = "NODE_TYPE_BALANCE"
            $0.name = "n"
            $0.config = true
            $0.metadata = .some(.null)
            $0.executionContext = .object([:])
            $0.gasUsed = "1"
            $0.gasPrice = "2"
            $0.totalGasCost = "3"
            $0.outputData = .balance(.with { $0.data = [] })
            $0.errorCode = .insufficientCredit
        }
        #expect(step.serialized() == bytes)
        #expect(try Wire.Execution.Step(serialized: bytes) == step)
    }

    @Test("a report keeps the reference's numbers, and ours begin at 100")
    func report() {
        let report = Wire.NotifyTriggersReq.with {
            $0.address = "0x1"
            $0.signature = "pending"
            $0.taskId = "t"
            $0.triggerType = .event
            $0.triggerOutput = .eventTrigger(.with { $0.data = 1.5 })
            $0.triggerRequestId = "r"
            $0.chainId = 1
        }
        let number: [UInt8] = [0x11, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F]
        #expect(
            report.serialized() == field(1, "0x1") + field(2, "pending") + field(3, "t") + varint(4, 5)
                + field(8, field(1, number)) + field(10, "r") + varint(100, 1))
        let order = Wire.SyncMessagesResp.TaskMetadata.with {
            $0.remain = -1
            $0.chainId = 5
        }
        #expect(order.serialized() == varint(2, .max) + varint(100, 5))
        #expect(Wire.GetWalletResp.with { $0.canceledTaskCount = 2 }.serialized() == varint(10, 2))
    }

    @Test("presence is kept: absent, zero and a value are three things")
    func presence() throws {
        typealias Config = Wire.EventTrigger.Config
        #expect(Config().serialized() == [])
        #expect(Config.with { $0.cooldownSeconds = 0 }.serialized() == [0x10, 0])
        #expect(try Config(serialized: [0x10, 0]).cooldownSeconds == 0)
        #expect(try Config(serialized: []).cooldownSeconds == nil)
        #expect(try Wire.TriggerTaskResp(serialized: field(7, "")).error == "")
        #expect(try Wire.ContractWriteNode.Config(serialized: varint(5, 0)).isSimulated == false)
    }

    @Test("enum names are the reference's, the first of several is printed")
    func enumNames() {
        #expect(
            [0, 1, 2, 3, 4, 5].map { Wire.TaskStatus(rawValue: $0).description }
                == ["Enabled", "Completed", "Failed", "Canceled", "Running", "Disabled"])
        #expect(Wire.TaskStatus(name: "Active") == .enabled)
        #expect(Wire.TaskStatus(name: "Executing") == .running)
        #expect(Wire.TaskStatus(name: "Inactive") == .disabled)
        #expect(Wire.MessageOp(rawValue: 2).description == "DisableTask")
        #expect(Wire.MessageOp(name: "CancelTask") == Wire.MessageOp(name: "DeactivateTask"))
        #expect(Wire.NodeType.customCode.name == "NODE_TYPE_CUSTOM_CODE")
        #expect(Wire.ExecutionTier.tier3.rawValue == 3)
        #expect(Wire.ExecutionStatus(name: "EXECUTION_STATUS_PARTIAL_SUCCESS") == nil)
        #expect(Wire.ErrorCode.taskAlreadyCancelled.rawValue == 4002)
    }

    @Test("a number that an enum does not know passes through", arguments: [4, 99, -1, Int32.min, Int32.max])
    func openEnums(number: Int32) throws {
        let bytes = varint(1, UInt64(bitPattern: Int64(number)))
        let answer = try Wire.ExecutionStatusResp(serialized: bytes)
        #expect(answer.status.rawValue == number)
        #expect(!answer.status.isKnown)
        #expect(answer.status.description == String(number))
        #expect(answer.serialized() == bytes)
    }

    @Test("schema names that are not snake case stay")
    func exceptions() {
        #expect(
            Wire.ManualTrigger.Config.with { $0.pathParams = ["a": ""] }.serialized()
                == field(3, field(1, "a") + field(2, "")))
        #expect(
            Wire.Checkin.with {
                $0.metricsPort = 1
                $0.remoteIP = "::1"
            }.serialized()
                == varint(6, 1) + field(7, "::1"))
        #expect(Wire.Checkin.Status.with { $0.queueDepth = 3 }.serialized() == varint(2, 3))
        for name in ["pathParams", "metricsPort", "remoteIP", "queueDepth"] {
            let holds = FileDescriptors.all.contains { $0.bytes.contains(Array(name.utf8)) }
            #expect(holds, "\(name)")
        }
    }

    @Test("maps are written in the order of their keys, so equal messages have equal bytes")
    func mapOrder() {
        let keys = ["b", "a", "é", "z", "", "aa", "漢"]
        let message = Wire.Task.with { $0.inputVariables = .init(uniqueKeysWithValues: keys.map { ($0, true) }) }
        let sorted = ["", "a", "aa", "b", "z", "é", "漢"]
        #expect(message.serialized() == sorted.flatMap { field(15, field(1, $0) + field(2, varint(4, 1))) })
    }

    @Test(
        "JSON keeps its six kinds",
        arguments: [
            (JSONValue.null, [8, 0]), (true, [32, 1]), (false, [32, 0]), ("", [26, 0]), (["a": [1]], nil),
            (.number(0), [17, 0, 0, 0, 0, 0, 0, 0, 0]), ([], [50, 0]), ([:], [42, 0]),
        ] as [(JSONValue, [UInt8]?)])
    func json(value: JSONValue, bytes: [UInt8]?) throws {
        let message = Wire.ManualTrigger.Output.with { $0.data = .some(value) }
        if let bytes { #expect(message.serialized() == field(1, bytes)) }
        #expect(try Wire.ManualTrigger.Output(serialized: message.serialized()) == message)
    }

    @Test("a Value without a kind is null, and no Value is none")
    func kindless() throws {
        #expect(try Wire.ManualTrigger.Output(serialized: [10, 0]).data == .some(.null))
        #expect(try Wire.ManualTrigger.Output(serialized: []).data == nil)
    }
}

extension [UInt8] {
    func contains(_ part: [UInt8]) -> Bool {
        indices.contains { self[$0...].starts(with: part) }
    }
}
