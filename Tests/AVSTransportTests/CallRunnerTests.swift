import AVSHTTP2
import AVSRPC
import Synchronization
import Testing

@testable import AVSTransport

@Suite("Handlers that share a task")
struct CallRunnerTests {
    /// What the handlers did, in order.
    private final class Journal: Sendable {
        private let state = Mutex<[String]>([])
        var lines: [String] { state.withLock { $0 } }
        func note(_ line: String) { state.withLock { $0.append(line) } }
    }

    private func path(_ method: String) -> MethodPath { MethodPath(service: "test.Service", method: method) }

    /// Waits until its call is cancelled or `gate` opens; says so, and whether its task is cancelled at its start.
    private func waits(_ journal: Journal, _ gate: Promise<Void>) -> RPCMethod {
        .unary(path("Waits"), request: .bytes, response: .bytes) { request, _ in
            journal.note("\(request) begins\(Task.isCancelled ? " cancelled" : "")")
            do {
                try await gate.value()
                journal.note("\(request) ends")
            } catch {
                journal.note("\(request) is cancelled")
            }
            return request
        }
    }

    private func call(_ rig: Rig, _ number: UInt8) throws -> StreamID {
        let stream = try rig.request("Waits", endsStream: false)
        rig.client.session.send([0, 0, 0, 0, 1, number], on: stream)
        rig.client.session.finish(stream, trailers: nil)
        return stream
    }

    @Test("SP-4: the calls of one read are one job while none of them suspends")
    func oneJob() throws {
        let (journal, gate) = (Journal(), Promise<Void>())
        let quick = RPCMethod.unary(path("Waits"), request: .bytes, response: .bytes) { request, _ in
            journal.note("\(request)")
            return request
        }
        let rig = try Rig([quick])
        let jobs = rig.loop.jobCount
        for number in 1...20 as ClosedRange<UInt8> { _ = try call(rig, number) }
        try rig.exchange()
        #expect(journal.lines == (1...20).map { "[\($0)]" })
        #expect(rig.loop.jobCount - jobs == 1)
        gate.fulfil(.success(()))
    }

    @Test("a call that suspends holds up none of those behind it")
    func suspends() throws {
        let (journal, gate) = (Journal(), Promise<Void>())
        let rig = try Rig([waits(journal, gate)])
        for number in 1...5 as ClosedRange<UInt8> { _ = try call(rig, number) }
        try rig.exchange()
        #expect(journal.lines == (1...5).map { "[\($0)] begins" })
        gate.fulfil(.success(()))
        try rig.exchange()
        #expect(journal.lines.count == 10)
        #expect(rig.service.handlers.count == 0)
    }

    @Test("CAN-2: giving up a call cancels its handler and no other's, also none that begins later")
    func cancels() throws {
        let (journal, gate) = (Journal(), Promise<Void>())
        let rig = try Rig([waits(journal, gate)])
        let streams = try (1...3 as ClosedRange<UInt8>).map { try call(rig, $0) }
        try rig.exchange()
        rig.client.session.reset(streams[1], .cancel)
        try rig.exchange()
        #expect(journal.lines.last == "[2] is cancelled")
        for number in 4...5 as ClosedRange<UInt8> { _ = try call(rig, number) }
        try rig.exchange()
        #expect(journal.lines.suffix(2) == ["[4] begins", "[5] begins"])
        gate.fulfil(.success(()))
        try rig.exchange()
        #expect(journal.lines.count { $0.hasSuffix("ends") } == 4)
        #expect(rig.service.handlers.count == 0)
    }

    @Test("CAN-2: a call given up before its handler began starts none")
    func neverBegins() throws {
        let (journal, gate) = (Journal(), Promise<Void>())
        let rig = try Rig([waits(journal, gate)])
        let stream = try call(rig, 1)
        let request = try rig.client.drain()
        rig.client.session.reset(stream, .cancel)
        try rig.receive(request + rig.client.drain())  // in one read
        try rig.exchange()
        #expect(journal.lines.isEmpty)
        #expect(rig.service.handlers.count == 0)
        gate.fulfil(.success(()))
    }
}
