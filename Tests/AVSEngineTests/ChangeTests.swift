import AVSEngine
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Synchronization
import Testing

@Suite("A change of a task")
struct TaskChangeTests {
    @Test("API-10.3.19: switches off and on again; a repetition says so and changes nothing")
    func toggle() async throws {
        let harness = Harness()
        let id = try await harness.createTask()
        let engine = harness.engine
        let off = try await engine.setEnabled(false, task: id, owner: Harness.owner)
        #expect(
            off
                == TaskChange(
                    success: true, status: "disabled", message: "Task disabled successfully", previous: .enabled))
        let again = try await engine.setEnabled(false, task: id, owner: Harness.owner)
        #expect(again.message == "Task is already disabled")
        let on = try await engine.setEnabled(true, task: id, owner: Harness.owner)
        #expect(
            on
                == TaskChange(
                    success: true, status: "enabled", message: "Task enabled successfully", previous: .disabled))
        #expect(try await engine.setEnabled(true, task: id, owner: Harness.owner).message == "Task is already enabled")
    }

    @Test("API-10.3.22: of an unknown or foreign task is not found")
    func unknown() async throws {
        let harness = Harness()
        let id = try await harness.createTask()
        #expect(try await harness.engine.setEnabled(false, task: id, owner: Harness.stranger).status == "not_found")
        #expect(try await harness.engine.cancel(task: id, owner: Harness.stranger).status == "not_found")
        #expect(try await harness.engine.delete(task: id, owner: Harness.stranger).status == "not_found")
        #expect(try harness.task(id).status == .enabled)
    }

    @Test("API-10.3.26: cancels for good: letter l, later triggers refused")
    func cancel() async throws {
        let harness = Harness()
        let id = try await harness.createTask()
        let change = try await harness.engine.cancel(task: id, owner: Harness.owner)
        #expect(
            change
                == TaskChange(
                    success: true, status: "cancelled", message: "Task cancelled successfully", previous: .enabled))
        #expect(try harness.keys("t:") == ["t:l:\(id)"])
        let again = try await harness.engine.cancel(task: id, owner: Harness.owner)
        #expect(again.status == "already_cancelled")
        #expect(again.code == .taskAlreadyCancelled)
        #expect(
            try await harness.engine.setEnabled(true, task: id, owner: Harness.owner).message.contains(
                "terminal status"))
        await #expect(throws: EngineError.notRunnable(.status(.canceled))) {
            try await harness.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner))
        }
    }

    @Test("D-22: that deletes leaves no key of the task behind")
    func delete() async throws {
        let harness = Harness()
        let id = try await harness.createTask(.manual(ManualTrigger()))
        try await harness.working { harness in
            _ = try await harness.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner, isBlocking: true))
        }
        let next = Harness(store: harness.store, time: harness.time, epoch: 2, seed: 2)
        _ = try await next.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner))
        let change = try await next.engine.delete(task: id, owner: Harness.owner)
        #expect(change.status == "deleted")
        for prefix in [
            "t:", "u:", "history:", "trigger:", "pending:", "dedup", "execution_", "q:default:q:", "promise:",
            "expiry:", "task_count:",
        ] {
            #expect(try harness.keys(prefix) == [])
        }
        #expect(try await harness.engine.delete(task: id, owner: Harness.owner).status == "not_found")
    }

    @Test("API-10.3.27: made during a run is taken at its end, under one key only")
    func duringRun() async throws {
        let harness = Harness()
        let id = try await harness.createTask(.manual(ManualTrigger()))
        harness.runner.hold()
        try await harness.working { harness in
            _ = try await harness.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner))
            await harness.runner.waitForStarted(1)
            async let change = harness.engine.setEnabled(false, task: id, owner: Harness.owner)
            await harness.time.waitForSleepers(1)  // the change's grace
            harness.runner.letGo()
            #expect(try await change.success)
        }
        #expect(try harness.keys("t:") == ["t:i:\(id)"])
    }

    @Test("R4: gives up after the grace, and takes its wish back")
    func grace() async throws {
        let harness = Harness()
        let id = try await harness.createTask(.manual(ManualTrigger()))
        harness.runner.hold()
        try await harness.working { harness in
            _ = try await harness.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner))
            await harness.runner.waitForStarted(1)
            async let change = harness.engine.setEnabled(false, task: id, owner: Harness.owner)
            await harness.time.waitForSleepers(1)
            harness.time.advance(by: .seconds(5))
            #expect(try await change.message == "Cannot disable a running task")
            harness.runner.letGo()
        }
        #expect(try harness.task(id).status == .enabled)
    }

    @Test("DEFECT-49: that stops a task ends its promised runs with a record")
    func promises() async throws {
        let harness = Harness()
        let id = try await harness.createTask()
        let run = try await harness.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner))
        _ = try await harness.engine.setEnabled(false, task: id, owner: Harness.owner)
        #expect(try await harness.engine.execution(run.executionID, of: id, owner: Harness.owner).status == .failed)
        #expect(try harness.task(id).reserved == 0)
    }

    @Test(
        "API-10.3.28: never leaves a task under two letters, whatever happens in what order",
        arguments: 0..<25 as Range<UInt64>)
    func oneLetter(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let harness = Harness { $0.times.runningGrace = .zero }
        let id = try await harness.createTask { $0.maxExecution = 40 }
        let steps = (0..<60).map { _ in (random.next() % 6, Int(random.next() % 1_000)) }
        try await harness.working { harness in
            for (step, block) in steps {
                switch step {
                case 0: _ = try await harness.engine.setEnabled(false, task: id, owner: Harness.owner)
                case 1: _ = try await harness.engine.setEnabled(true, task: id, owner: Harness.owner)
                case 2, 3: _ = try await harness.engine.accept(Harness.report(id, block: block))
                case 4:
                    _ = try? await harness.engine.trigger(
                        TriggerRequest(taskID: id, owner: Harness.owner, isBlocking: true))
                default: _ = try? await harness.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner))
                }
                let (key, task) = try harness.store.read { snapshot -> ([String], AutomationTask?) in
                    var found: [String] = []
                    try snapshot.scan(KeyRange(prefix: Array("t:".utf8)), order: .ascending, limit: 10) { key, _ in
                        found.append(String(decoding: key, as: UTF8.self))
                        return .next
                    }
                    return (found, try snapshot.task(id))
                }
                #expect(key == task.map { ["t:\($0.status.letter):\(id)"] })
                #expect(task.map { $0.executionCount + $0.reserved <= 40 } == true)
            }
        }
        let executions = try harness.executions(id)
        #expect(Set(executions.map(\.index)).count == executions.count)
        #expect(try harness.findings() == [])
    }
}

@Suite("What an owner may have")
struct QuotaTests {
    @Test("DUR-12, limits.tasks_per_owner: is never passed, however many tasks are created at the same moment")
    func together() async throws {
        let harness = Harness { $0.limits.tasksPerOwner = 3 }
        let created = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    do {
                        _ = try await harness.createTask()
                        return true
                    } catch {
                        return false
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(created == 3)
    }

    @Test("limits.tasks_per_owner: counts tasks that are not finished, of this owner alone")
    func tasks() async throws {
        let harness = Harness { $0.limits.tasksPerOwner = 2 }
        let first = try await harness.createTask()
        _ = try await harness.createTask()
        await #expect(throws: EngineError.quota(name: "tasks per owner", limit: 2)) { try await harness.createTask() }
        _ = try await harness.engine.setEnabled(false, task: first, owner: Harness.owner)
        await #expect(throws: EngineError.quota(name: "tasks per owner", limit: 2)) { try await harness.createTask() }
        _ = try await harness.engine.cancel(task: first, owner: Harness.owner)
        _ = try await harness.createTask()
        _ = try await harness.createTask { task in
            task.owner = Harness.stranger
            task.wallet = FactoryChain.wallet(of: Harness.stranger)
        }
    }

    @Test("FAIL-5: while space is low, nothing new is taken in and everything else goes on")
    func space() async throws {
        let isLow = Flag()
        let harness = Harness { $0.isSpaceLow = { isLow.isSet } }
        let id = try await harness.createTask()
        let wallet = try await harness.engine.wallets.register(
            Harness.factory, owner: Harness.owner, factory: Harness.factory, salt: .zero)
        isLow.set()
        await #expect(throws: EngineError.spaceLow(what: "new tasks")) { try await harness.createTask() }
        await #expect(throws: EngineError.spaceLow(what: "new wallets")) {
            _ = try await harness.engine.wallets.register(
                Harness.entryPoint, owner: Harness.owner, factory: Harness.factory, salt: .zero)
        }
        let known = try await harness.engine.wallets.register(
            wallet.address, owner: Harness.owner, factory: Harness.factory, salt: .zero)
        #expect(known == wallet)
        #expect(try await harness.engine.accept(Harness.report(id, block: 5)).status == "enabled")
        #expect(try await harness.engine.cancel(task: id, owner: Harness.owner).success)
    }

    @Test("fee_rates.execution_fee_usd: a run costs what it cost when it ran")
    func fee() async throws {
        let harness = Harness { $0.fees.execution = Dollars(millionths: 500_000) }
        let id = try await harness.working { harness in
            let id = try await harness.createTask(.manual(ManualTrigger()))
            _ = try await harness.engine.trigger(TriggerRequest(taskID: id, owner: Harness.owner, isBlocking: true))
            return id
        }
        #expect(try harness.executions(id).map(\.fees.execution) == ["0.500000"])
        let later = Harness(store: harness.store) { $0.fees.execution = Dollars(millionths: 700_000) }
        #expect(try later.executions(id).map(\.fees.execution) == ["0.500000"])
    }
}

/// Something that a test switches on.
private final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}
