import AVSPrimitives
import AVSRPC
import AVSTransport
import NIOCore
import NIOPosix
import Synchronization
import Testing

@Suite("A connection's event loop", .timeLimit(.minutes(1)))
struct LoopIdentityTests {
    /// On which loops each peer's handlers were seen.
    private final class Sightings: Sendable {
        private let state = Mutex<[String: Set<ObjectIdentifier?>]>([:])
        var all: [String: Set<ObjectIdentifier?>] { state.withLock { $0 } }

        func note(_ peer: Peer) {
            let loop = MultiThreadedEventLoopGroup.currentEventLoop.map { ObjectIdentifier($0) }
            state.withLock { _ = $0["\(peer)", default: []].insert(loop) }
        }
    }

    private struct Watch: ServerInterceptor {
        let sightings: Sightings
        func admit(_ call: inout CallContext) async throws { sightings.note(call.peer) }
        func ended(_ call: CallContext, with status: RPCStatus) { sightings.note(call.peer) }
    }

    /// Answers each request from four tasks on other threads, and looks where it is itself before and after.
    private func wander(_ sightings: Sightings, _ elsewhere: Sightings) -> RPCMethod {
        .bidirectional(path("Wander"), request: .bytes, response: .bytes) { requests, call, writer in
            sightings.note(call.peer)
            for try await request in requests {
                sightings.note(call.peer)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 {
                        group.addTask(executorPreference: globalConcurrentExecutor) {
                            elsewhere.note(call.peer)
                            try await writer.write(request)
                        }
                    }
                    try await group.waitForAll()
                }
                sightings.note(call.peer)
            }
        }
    }

    @Test("CON-8: is one for life: handlers, interceptors and ends are on it, wherever messages are written")
    func oneForLife() async throws {
        let (sightings, elsewhere) = (Sightings(), Sightings())
        let server = RPCServer(
            configuration: .init(), methods: [wander(sightings, elsewhere), echo],
            interceptors: [Watch(sightings: sightings)], time: SystemTime(), logger: quiet, threadCount: 4)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let port = try await server.boundPort
            try await withThrowingTaskGroup(of: Void.self) { clients in
                for number in 0..<24 { clients.addTask { try await talk(to: port, number) } }
                try await clients.waitForAll()
            }
            server.beginDrain()
            try await group.waitForAll()
        }
        #expect(sightings.all.count == 24)
        #expect(sightings.all.values.allSatisfy { $0.count == 1 && !$0.contains(nil) })
        #expect(Set(sightings.all.values).count == 4)  // and connections are spread over all of them
        #expect(elsewhere.all.count == 24)
        #expect(elsewhere.all.values.allSatisfy { $0 == [nil] })
    }

    /// Ten calls in turn and at once on one connection.
    private func talk(to port: Int, _ number: Int) async throws {
        let channel = try RPCChannel(
            target: "127.0.0.1:\(port)", configuration: .quick(), time: SystemTime(), logger: quiet)
        for _ in 0..<3 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask { _ = try await channel.unary(path("Echo"), [1], request: .bytes, response: .bytes) }
                }
                group.addTask {
                    try await channel.bidirectional(path("Wander"), request: .bytes, response: .bytes) {
                        writer, responses in
                        var iterator = responses.makeAsyncIterator()
                        for size in [1, 1_000, 70_000] {
                            let message = [UInt8](repeating: UInt8(number), count: size)
                            try await writer.write(message)
                            for _ in 0..<4 { #expect(try await iterator.next() == message) }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        await channel.close()
    }
}
