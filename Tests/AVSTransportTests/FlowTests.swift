import AVSHTTP2
import AVSRPC
import AVSTransport
import Synchronization
import Testing

private final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    var count: Int { value.load(ordering: .sequentiallyConsistent) }
    func add() { value.add(1, ordering: .sequentiallyConsistent) }
}

@Suite("Flow control", .timeLimit(.minutes(1)))
struct FlowTests {
    @Test("FC-7: a writer waits for a reader that does not read")
    func slowReader() async throws {
        let written = Counter()
        let flood = RPCMethod.serverStreaming(path("Flood"), request: .bytes, response: .bytes) { _, _, writer in
            for _ in 0..<3_000 {
                try await writer.write([UInt8](repeating: 1, count: 1_000))
                written.add()
            }
        }
        try await withServer([flood], client: { $0.limits.http2.streamWindowBytes = 65_535 }) { channel, _ in
            try await channel.serverStreaming(path("Flood"), [], request: .bytes, response: .bytes) { responses in
                var iterator = responses.makeAsyncIterator()
                for count in 1...3_000 {
                    let next = try await iterator.next()
                    #expect(next?.count == 1_000)
                    // 64 KiB unsent, one window on the way and in the queue, one message in each hand.
                    let ahead = written.count - count
                    #expect(ahead < (2 * 65_536) / 1_000 + 70)
                }
                let next = try await iterator.next()
                #expect(next == nil)
            }
        }
    }

    @Test("FC-3: a handler that does not read makes the writer wait")
    func slowHandler() async throws {
        let (goOn, done) = (Slot<Void>(), Slot<Int>())
        let written = Counter()
        let lazy = RPCMethod.clientStreaming(path("Lazy"), request: .bytes, response: .bytes) { requests, _ in
            await goOn.take()
            var count = 0
            for try await _ in requests { count += 1 }
            done.put(count)
            return []
        }
        try await withServer([lazy], configure: { $0.limits.http2.streamWindowBytes = 65_535 }) { channel, _ in
            let call = Task {
                try await channel.clientStreaming(path("Lazy"), request: .bytes, response: .bytes) { writer in
                    for _ in 0..<1_000 {
                        try await writer.write([UInt8](repeating: 1, count: 1_000))
                        written.add()
                    }
                }
            }
            // Another call on the same connection is not held up (FC-2).
            for _ in 0..<20 {
                await #expect(throws: RPCStatus.self) {
                    _ = try await channel.unary(path("Nothing"), [], request: .bytes, response: .bytes)
                }
            }
            #expect(written.count < 400)
            goOn.put(())
            _ = try await call.value
            #expect(await done.take() == 1_000)
        }
    }

    @Test("FC-3: 4 MiB through a window of 65,535 bytes, both ways")
    func largeMessages() async throws {
        try await withServer(
            [echo, mirror], configure: { $0.limits.http2.streamWindowBytes = 65_535 },
            client: { $0.limits.http2.streamWindowBytes = 65_535 }
        ) { channel, _ in
            let message = (0..<4_194_304).map { UInt8(truncatingIfNeeded: $0 / 5) }
            #expect(try await channel.unary(path("Echo"), message, request: .bytes, response: .bytes) == message)
            try await channel.bidirectional(path("Mirror"), request: .bytes, response: .bytes) { writer, responses in
                var iterator = responses.makeAsyncIterator()
                for size in [40_000, 65_530, 65_535, 32_768, 1, 200_000] {
                    try await writer.write(Array(message[..<size]))
                    let next = try await iterator.next()
                    #expect(next == Array(message[..<size]))
                }
            }
        }
    }

    @Test("FC-4: calls whose requests nobody reads leave the connection as it was")
    func unread() async throws {
        let deaf = RPCMethod.bidirectional(path("Deaf"), request: .bytes, response: .bytes) { _, _, _ in
            throw RPCStatus(.failedPrecondition, "not listening")
        }
        try await withServer(
            [deaf, echo],
            configure: {
                $0.limits.http2.streamWindowBytes = 65_535
                $0.limits.http2.connectionWindowBytes = 1_048_576
            }
        ) { channel, _ in
            for _ in 0..<300 {  // 20 connection windows in all
                await #expect(throws: RPCStatus.self) {
                    try await channel.bidirectional(path("Deaf"), request: .bytes, response: .bytes) {
                        writer, responses in
                        try await writer.write([UInt8](repeating: 1, count: 65_000))
                        for try await _ in responses {}
                    }
                }
            }
            let message = Array(repeating: UInt8(3), count: 2_000_000)
            let answer = try await channel.unary(path("Echo"), message, request: .bytes, response: .bytes)
            #expect(answer == message)
        }
    }

    @Test("many calls at once on one connection, large ones among them")
    func concurrent() async throws {
        try await withServer([echo]) { channel, _ in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let message = Array(repeating: UInt8(truncatingIfNeeded: number), count: number * 1_000)
                        return try await channel.unary(path("Echo"), message, request: .bytes, response: .bytes)
                            == message
                    }
                }
                for try await isSame in group { #expect(isSame) }
            }
        }
    }

    @Test("FC-2: one slow call does not stop the others")
    func slowNeighbour() async throws {
        let flood = RPCMethod.serverStreaming(path("Flood"), request: .bytes, response: .bytes) { _, _, writer in
            while true { try await writer.write([UInt8](repeating: 1, count: 10_000)) }
        }
        try await withServer([flood, echo]) { channel, _ in
            try await channel.serverStreaming(path("Flood"), [], request: .bytes, response: .bytes) { responses in
                var iterator = responses.makeAsyncIterator()
                let next = try await iterator.next()
                #expect(next != nil)
                for _ in 0..<100 {
                    let message = Array(repeating: UInt8(1), count: 100_000)
                    #expect(
                        try await channel.unary(path("Echo"), message, request: .bytes, response: .bytes) == message)
                }
            }
        }
    }
}
