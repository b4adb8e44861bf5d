import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSStorage
import AVSTesting
import Testing

@testable import AVSServer

@Suite("A table of token buckets")
struct RateTableTests {
    private static let start = ContinuousClock.now

    @Test("lets a burst pass, then the rate, each key for itself")
    func burst() {
        let table = RateTable<Int>(.init(perSecond: 2, burst: 3))
        for _ in 0..<3 { #expect(table.take(1, at: Self.start) == nil) }
        #expect(table.take(1, at: Self.start) == .milliseconds(500))
        #expect(table.take(2, at: Self.start) == nil)
        #expect(table.take(1, at: Self.start + .milliseconds(400)) == .milliseconds(100))
        #expect(table.take(1, at: Self.start + .milliseconds(500)) == nil)
        #expect(table.take(1, at: Self.start + .milliseconds(500)) != nil)
        #expect(table.take(1, at: Self.start + .seconds(3_600)) == nil, "never more than the burst")
        for _ in 0..<2 { #expect(table.take(1, at: Self.start + .seconds(3_600)) == nil) }
        #expect(table.take(1, at: Self.start + .seconds(3_600)) != nil)
    }

    @Test("never remembers more keys than it may, and keeps those in use (OVL-1)", arguments: 0..<5 as Range<UInt64>)
    func bound(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let table = RateTable<UInt64>(.init(perSecond: 1, burst: 1), keyLimit: 100)
        #expect(table.take(0, at: Self.start) == nil)
        for _ in 0..<10_000 {
            _ = table.take(random.next(), at: Self.start)
            #expect(table.count <= 100)
            #expect(table.take(0, at: Self.start) != nil, "a key in use is not forgotten")
        }
    }

    @Test("takes a key's own rate in place of the table's, and a rate that rises counts at once")
    func own() {
        let table = RateTable<Int>(.init(perSecond: 1, burst: 2))
        let slow = CallRate(perSecond: 1, burst: 1_000)
        for _ in 0..<1_000 { #expect(table.take(1, at: Self.start, own: slow) == nil) }
        #expect(table.take(1, at: Self.start, own: slow) == .seconds(1))
        let quick = CallRate(perSecond: 10, burst: 2)
        #expect(table.take(1, at: Self.start, own: quick) == .milliseconds(100), "empty, and no emptier than that")
        #expect(table.take(1, at: Self.start + .milliseconds(100), own: quick) == nil)
        #expect(table.take(2, at: Self.start) == nil, "another key has the table's")
        let lifted = RateTable<Int>(nil)
        #expect(lifted.take(1, at: Self.start, own: CallRate(perSecond: 1, burst: 1)) == nil)
        #expect(lifted.take(1, at: Self.start, own: CallRate(perSecond: 1, burst: 1)) == .seconds(1))
    }

    @Test("without a rate lets everything pass and remembers nothing")
    func lifted() {
        let table = RateTable<Int>(nil)
        for key in 0..<1_000 { #expect(table.take(key % 3, at: Self.start) == nil) }
        #expect(table.count == 0)
    }
}

@Suite("Where a stranger comes from")
struct SourceAddressTests {
    private func same(_ left: String, _ right: String) -> Bool {
        SourceAddress(Peer(address: left)) == SourceAddress(Peer(address: right))
    }

    @Test(
        "is one address of IPv4 and one /64 of IPv6, whatever the port",
        arguments: [
            ("1.2.3.4:5", "1.2.3.4:6", true), ("1.2.3.4:5", "1.2.3.5:5", false),
            ("2001:db8:1:2:3:4:5:6:80", "2001:db8:1:2:ffff::1:81", true),
            ("2001:db8:1:2::1:80", "2001:db8:1:3::1:80", false),
            ("2001:db8::1:80", "2001:db8::2:80", true), ("2001:db8::1:80", "2001:db8:0:1::1:80", false),
            ("::1:80", "::2:80", true), ("::ffff:1.2.3.4:80", "1.2.3.4:81", true),
            ("fe80::1%eth0:1", "fe80::2%eth1:2", true),
            ("1::2:3:4:5:6:7:80", "1:0:2:3::9:80", true), ("unix:/a:1", "unix:/b:1", false),
            ("unknown", "unknown", true),
        ])
    func network(left: String, right: String, isSame: Bool) { #expect(same(left, right) == isSame) }
}

@Suite("The gate in front of the handlers")
struct CallGateTests {
    private static let user = Address("0x00000000000000000000000000000000000000a1") ?? .zero
    private static let other = Address("0x00000000000000000000000000000000000000a2") ?? .zero
    private let time = ManualTime()

    private func gate(_ change: (inout CallLimits) -> Void) -> CallGate {
        var limits = CallLimits()
        change(&limits)
        return CallGate(limits, anonymous: Services.anonymousPaths(HealthBoard(), nil), time: time)
    }

    private func call(_ path: String, _ user: Address? = user, from peer: String = "1.2.3.4:5") throws -> CallContext {
        var call = CallContext(
            method: try #require(MethodPath(path)), kind: .unary, peer: Peer(address: peer), receivedAt: time.now)
        call[Caller.Key.self] = user.map { .user($0) }
        return call
    }

    /// Makes the call and ends it.
    private func passes(_ gate: CallGate, _ call: CallContext) async -> RPCStatus? {
        var call = call
        do {
            try await gate.admit(&call)
            gate.ended(call, with: .ok)
            return nil
        } catch {
            return RPCStatus(answering: error)
        }
    }

    @Test("counts reads, writes and simulations of each caller for themselves, and says when to repeat (OVL-5)")
    func rates() async throws {
        let gate = gate {
            $0.readsPerCaller = .init(perSecond: 1, burst: 2)
            $0.writesPerCaller = .init(perSecond: 1, burst: 1)
            $0.trialsPerCaller = .init(perSecond: 1, burst: 1)
        }
        let read = try call(Wire.AggregatorMethods.getTask.path)
        for _ in 0..<2 { #expect(await passes(gate, read) == nil) }
        let refusal = try #require(await passes(gate, read))
        #expect(refusal.code == .resourceExhausted)
        let text = "too many reads per caller: 1 a second are allowed, 2 at once; try again in "
        #expect(refusal.message.hasPrefix(text) && refusal.message.hasSuffix(" ms"))
        #expect(refusal.metadata["x-ap-error-code"] == "7002")
        let pushback = try #require(refusal.metadata["grpc-retry-pushback-ms"].flatMap(Int.init))
        #expect((800...1_201).contains(pushback))
        #expect(await passes(gate, try call(Wire.AggregatorMethods.getTask.path, Self.other)) == nil)
        for path in [Wire.AggregatorMethods.cancelTask.path, Wire.AggregatorMethods.simulateTask.path] {
            #expect(await passes(gate, try call(path)) == nil)
            #expect(await passes(gate, try call(path))?.code == .resourceExhausted)
        }
        time.advance(by: .seconds(1))
        #expect(await passes(gate, read) == nil)
    }

    @Test("counts strangers by where they come from, those with a wrong token as well")
    func strangers() async throws {
        let gate = gate { $0.strangers = .init(perSecond: 1, burst: 2) }
        let hello = try call(Wire.AggregatorMethods.getSignatureFormat.path, nil)
        #expect(await passes(gate, hello) == nil)
        try gate.admitStranger(hello)
        #expect(await passes(gate, hello)?.code == .resourceExhausted)
        #expect(
            await passes(gate, try call(Wire.AggregatorMethods.getSignatureFormat.path, nil, from: "1.2.3.5:1")) == nil)
        #expect(
            await passes(gate, try call(Wire.AggregatorMethods.getTask.path)) == nil, "who proved an account is none")
    }

    @Test("lets a call that only waits leave its place to others, and takes it back once")
    func released() async throws {
        let gate = gate {
            $0.runningInAll = 1
            $0.waiting = 0
        }
        var blocking = try call(Wire.AggregatorMethods.triggerTask.path)
        try await gate.admit(&blocking)
        #expect(await passes(gate, try call(Wire.AggregatorMethods.getTask.path))?.code == .resourceExhausted)
        gate.release(blocking)
        #expect(await passes(gate, try call(Wire.AggregatorMethods.getTask.path)) == nil)
        var other = try call(Wire.AggregatorMethods.getTask.path, Self.other)
        try await gate.admit(&other)
        gate.ended(blocking, with: .ok)
        #expect(gate.load.running == 1, "the other's place is its own")
        gate.ended(other, with: .ok)
        #expect(gate.load == (0, 0))
    }

    @Test("counts sign-ins by address, and those that succeed by wallet")
    func signIns() async throws {
        let gate = gate {
            $0.strangers = nil
            $0.signInsPerAddress = .init(perSecond: 1, burst: 2)
            $0.signInsPerAccount = .init(perSecond: 1, burst: 1)
        }
        for _ in 0..<2 { #expect(await passes(gate, try call(Wire.AggregatorMethods.getKey.path, nil)) == nil) }
        #expect(
            await passes(gate, try call(Wire.AggregatorMethods.getKey.path, nil))?.message.hasPrefix(
                "too many sign-ins per address: ") == true)
        #expect(await passes(gate, try call(Wire.AggregatorMethods.getNonce.path, nil)) == nil)
        try gate.admitSignIn(of: Self.user)
        #expect(throws: RPCStatus.self) { try gate.admitSignIn(of: Self.user) }
        try gate.admitSignIn(of: Self.other)
    }
}

@Suite("The queue of calls")
struct CallQueueTests {
    private func queue(_ change: (inout CallLimits) -> Void) -> CallQueue {
        var limits = CallLimits()
        change(&limits)
        return CallQueue(limits)
    }

    private func caller(_ number: UInt8) -> CallQueue.Caller {
        .account(Address(bytes: [UInt8](repeating: number, count: 20)) ?? .zero)
    }

    @Test("serves the most urgent first, then in the order of arrival (OVL-4)")
    func order() throws {
        var queue = queue {
            $0.runningInAll = 1
            $0.waiting = 4
        }
        guard case .run(let first) = queue.enter(caller(0), .read) else { throw RPCStatus(.internal, "did not run") }
        for (number, workClass) in [WorkClass.create, .change, .create, .read].enumerated() {
            guard case .wait(_, nil) = queue.enter(caller(UInt8(number)), workClass) else {
                throw RPCStatus(.internal, "did not wait")
            }
        }
        var served: [WorkClass] = []
        var last: CallQueue.Slot? = first
        while let slot = last {
            served.append(slot.workClass)
            last = queue.leave(slot)
        }
        #expect(served == [.read, .change, .read, .create, .create])
        #expect(queue.running == 0 && queue.waiting.isEmpty)
    }

    @Test("when full, lets the least urgent go: the new one, or one that waited")
    func overflow() throws {
        var queue = queue {
            $0.runningInAll = 1
            $0.waiting = 1
        }
        _ = queue.enter(caller(0), .read)
        guard case .wait(let waiting, nil) = queue.enter(caller(1), .create) else {
            throw RPCStatus(.internal, "did not wait")
        }
        guard case .refuse(let status) = queue.enter(caller(2), .trial) else {
            throw RPCStatus(.internal, "a simulation came before a new task")
        }
        #expect(status.code == .resourceExhausted && status.message.contains("at most 1 are allowed"))
        guard case .wait(_, instead: waiting) = queue.enter(caller(3), .change) else {
            throw RPCStatus(.internal, "a change did not come before a new task")
        }
        #expect(queue.waiting.count == 1)
    }

    @Test("refuses what one caller has beyond its number, and its simulations sooner")
    func perCaller() throws {
        var queue = queue {
            $0.runningPerCaller = 3
            $0.runningTrialsPerCaller = 1
        }
        guard case .run(let trial) = queue.enter(caller(1), .trial) else { throw RPCStatus(.internal, "did not run") }
        guard case .refuse = queue.enter(caller(1), .trial) else { throw RPCStatus(.internal, "a second simulation") }
        for _ in 0..<2 { _ = queue.enter(caller(1), .read) }
        guard case .refuse = queue.enter(caller(1), .change) else { throw RPCStatus(.internal, "a fourth call") }
        guard case .run = queue.enter(caller(2), .change) else { throw RPCStatus(.internal, "another's call") }
        _ = queue.leave(trial)
        guard case .run = queue.enter(caller(1), .trial) else { throw RPCStatus(.internal, "a place was lost") }
    }

    @Test("never runs or holds more than it may, and forgets nobody", arguments: 0..<30 as Range<UInt64>)
    func invariants(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = queue {
            $0.runningInAll = 4
            $0.waiting = 3
            $0.runningPerCaller = 5
            $0.runningTrialsPerCaller = 2
        }
        var running: [CallQueue.Slot] = []
        for _ in 0..<2_000 {
            switch Int.random(in: 0..<5, using: &random) {
            case 0...2:
                let workClass = [WorkClass.change, .read, .create, .trial][Int.random(in: 0..<4, using: &random)]
                if case .run(let slot) = queue.enter(caller(UInt8.random(in: 0..<3, using: &random)), workClass) {
                    running.append(slot)
                }
            case 3 where !running.isEmpty:
                let slot = running.remove(at: Int.random(in: 0..<running.count, using: &random))
                if let next = queue.leave(slot) { running.append(next) }
            default:
                if let slot = queue.waiting.randomElement(using: &random) {
                    let isGone = queue.giveUp(slot)
                    #expect(isGone)
                }
            }
            #expect(queue.running == running.count && running.count <= 4 && queue.waiting.count <= 3)
            #expect(queue.waiting.isEmpty || running.count == 4, "nobody waits while a place is free")
            for caller in 0..<UInt8(3) {
                let held = (running + queue.waiting).filter { $0.caller == self.caller(caller) }
                #expect(held.count <= 5 && held.count { $0.workClass == .trial } <= 2)
            }
        }
    }

    @Test("wakes who waits when a place is free, and lets go who is cancelled")
    func waiting() async throws {
        var limits = CallLimits()
        limits.runningInAll = 1
        let slots = CallSlots(limits)
        let first = try await slots.take(for: caller(1), .read)
        async let second = slots.take(for: caller(2), .read)
        slots.give(back: first)
        let taken = try await second
        await withTaskGroup(of: Bool.self) { group in
            for number in 3..<9 as Range<UInt8> {
                group.addTask {
                    do {
                        _ = try await slots.take(for: caller(number), .read)
                        return true
                    } catch {
                        return false
                    }
                }
            }
            group.cancelAll()
            for await ran in group { #expect(!ran) }
        }
        #expect(slots.load == (1, 0))
        slots.give(back: taken)
        #expect(slots.load == (0, 0))
    }
}
