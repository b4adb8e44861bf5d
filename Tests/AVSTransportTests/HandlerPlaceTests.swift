import AVSHTTP2
import AVSRPC
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import AVSTransport

@Suite("The places for handlers")
struct HandlerPlaceTests {
    /// Handlers that say which request they have, and return when they are told to.
    private final class Desk: Sendable {
        private struct State {
            var begun: [UInt8] = []
            var gates: [UInt8: Waiter<Void>] = [:]
        }
        private let state = Mutex(State())

        var begun: [UInt8] { state.withLock { $0.begun } }

        var method: RPCMethod {
            .unary(path("Slow"), request: .bytes, response: .bytes) { request, _ in
                let gate = Waiter<Void>()
                self.state.withLock { state in
                    state.begun.append(request[0])
                    state.gates[request[0]] = gate
                }
                try await gate.value()
                return request
            }
        }

        func release(_ number: UInt8) { state.withLock { $0.gates[number] }?.resume() }
    }

    private func exchange(_ rigs: Rig...) throws {
        for _ in 0..<3 { for rig in rigs { try rig.exchange() } }
    }

    private func status(_ rig: Rig, _ stream: StreamID) -> String? { rig.sections(stream).last?["grpc-status"] }

    @Test("OV-2: over the server's limit calls wait, and get the places that become free, connection by connection")
    func takesTurns() throws {
        let desk = Desk()
        let first = try Rig([desk.method]) {
            $0.maxRunningCalls = 2
            $0.maxWaitingCalls = 6
        }
        let second = try Rig(besides: first)
        for number in 1...6 as ClosedRange<UInt8> { _ = try first.call("Slow", [[number]]) }
        var others: [StreamID] = []
        for number in 11...12 as ClosedRange<UInt8> { others.append(try second.call("Slow", [[number]])) }
        #expect(desk.begun == [1, 2])
        #expect(first.service.handlers.waitingCount == 6)
        let busy = try second.call("Slow", [[13]])
        #expect(status(second, busy) == "8")
        #expect(second.sections(busy).last?["grpc-message"]?.contains("2 running and 6 waiting") == true)
        for number in [1, 2, 3, 11, 4, 12, 5, 6] as [UInt8] {
            desk.release(number)
            try exchange(first, second)
        }
        #expect(desk.begun == [1, 2, 3, 11, 4, 12, 5, 6])
        #expect(others.allSatisfy { status(second, $0) == "0" })
        #expect(first.service.handlers.count == 0 && first.service.handlers.waitingCount == 0)
    }

    @Test("OV-2: a deadline, a cancel and the loss of its connection each take a call out of the queue")
    func leavesTheQueue() throws {
        let desk = Desk()
        let first = try Rig([desk.method]) {
            $0.maxRunningCalls = 1
            $0.maxWaitingCalls = 4
        }
        let (second, third) = (try Rig(besides: first), try Rig(besides: first))
        _ = try first.call("Slow", [[1]])
        let late = try second.call("Slow", [[2]], with: [("grpc-timeout", "1S")])
        let given = try second.call("Slow", [[3]])
        _ = try third.call("Slow", [[4]])
        let patient = try second.call("Slow", [[5]])
        #expect(first.service.handlers.waitingCount == 4)
        try second.advance(.seconds(2))
        #expect(status(second, late) == "4")
        second.client.session.reset(given, .cancel)
        third.channel.close(promise: nil)
        try exchange(first, second, third)
        #expect(first.service.handlers.waitingCount == 1)
        _ = try first.call("Slow", [[6]])
        desk.release(1)
        try exchange(first, second)
        #expect(desk.begun == [1, 5])
        desk.release(5)
        try exchange(first, second)
        #expect(status(second, patient) == "0")
        #expect(desk.begun == [1, 5, 6])
        desk.release(6)
        try exchange(first, second)
        #expect(first.service.handlers.count == 0 && first.service.handlers.waitingCount == 0)
    }

    @Test("OV-2: a connection at its own limit does not hold a place that another one can use")
    func ownLimit() throws {
        let desk = Desk()
        let first = try Rig([desk.method]) {
            $0.maxRunningCalls = 3
            $0.maxRunningCallsPerConnection = 2
        }
        let second = try Rig(besides: first)
        for number in 1...4 as ClosedRange<UInt8> { _ = try first.call("Slow", [[number]]) }
        _ = try second.call("Slow", [[11]])
        #expect(desk.begun == [1, 2, 11])
        _ = try second.call("Slow", [[12]])
        desk.release(1)  // the second connection has waited for a place, the first only for itself
        try exchange(first, second)
        #expect(desk.begun == [1, 2, 11, 12])
        for number in [2, 11, 3, 12, 4] as [UInt8] {
            desk.release(number)
            try exchange(first, second)
        }
        #expect(desk.begun == [1, 2, 11, 12, 3, 4])
        #expect(first.service.handlers.count == 0 && first.service.handlers.waitingCount == 0)
    }

    @Test("OV-2: from many threads, never more run than may, and nobody waits for ever", .timeLimit(.minutes(1)))
    func manyThreads() async throws {
        let places = RunningHandlers(limit: 3, seatLimit: 100)
        final class Tally: Sendable {
            let running = Atomic<Int>(0)
            let most = Atomic<Int>(0)
        }
        let tally = Tally()
        final class Someone {}
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let someone = Someone()
                    for round in 0..<2_000 {
                        if !places.begin() {
                            let turn = Waiter<Void>()
                            places.wait(ObjectIdentifier(someone)) { turn.resume() }
                            _ = await turn.valueIfNotCancelled()
                        }
                        let now = tally.running.add(1, ordering: .sequentiallyConsistent).newValue
                        tally.most.max(now, ordering: .relaxed)
                        if round % 7 == 0 { await Task.yield() }
                        tally.running.subtract(1, ordering: .sequentiallyConsistent)
                        places.end()
                    }
                }
            }
        }
        #expect(tally.most.load(ordering: .relaxed) <= 3)
        #expect(places.count == 0)
    }
}
