import AVSRPC
import NIOPosix
import Synchronization
import Testing

@testable import AVSTransport

@Suite("The compression of large messages", .timeLimit(.minutes(2)))
struct CompressionJobTests {
    /// Compresses to about a tenth.
    private static func text(_ number: Int, bytes: Int) -> [UInt8] {
        let part = (0..<1_000).map { UInt8(truncatingIfNeeded: ($0 / 7) ^ (number * 31)) & 0x1f }
        return Array(repeatElement(part, count: bytes / 1_000 + 1).joined().prefix(bytes))
    }

    @Test("CMP-10: at most so many at a time, in order; small messages and those without an encoding are not concerned")
    func bounded() async throws {
        final class Tally: Sendable {
            let done = Mutex<[Int]>([])
            let threads = Mutex<Set<Bool>>([])
        }
        let (jobs, tally, last) = (CompressionJobs(limit: 1), Tally(), Waiter<Void>())
        let messages = (0..<20).map { Self.text($0, bytes: CompressionJobs.worthwhileBytes) }
        for (number, message) in messages.enumerated() {
            jobs.start(message, .gzip) { output in
                #expect(output.isCompressed && output.bytes.count < message.count / 2)
                let onLoop = MultiThreadedEventLoopGroup.currentEventLoop != nil
                tally.threads.withLock { _ = $0.insert(onLoop) }
                let count = tally.done.withLock { done in
                    done.append(number)
                    return done.count
                }
                if count == 20 { last.resume() }
            }
        }
        try await last.value()
        #expect(tally.done.withLock { $0 } == Array(0..<20))
        #expect(tally.threads.withLock { $0 } == [false])
        #expect(jobs.count == 20)
        #expect(CompressionJobs.isWorthwhile(messages[0], .gzip))
        #expect(!CompressionJobs.isWorthwhile(messages[0], .identity))
        #expect(!CompressionJobs.isWorthwhile(Array(messages[0].dropLast()), .deflate))
    }

    @Test("CMP-10: whoever waits for the end of it all sees everything done", arguments: [1, 3])
    func idle(limit: Int) async throws {
        let jobs = CompressionJobs(limit: limit)
        try await jobs.waitUntilIdle()
        final class Tally: Sendable { let done = Atomic<Int>(0) }
        let tally = Tally()
        for number in 0..<9 {
            let message = Self.text(number, bytes: CompressionJobs.worthwhileBytes)
            jobs.start(message, .gzip) { _ in tally.done.add(1, ordering: .sequentiallyConsistent) }
        }
        try await jobs.waitUntilIdle()
        #expect(tally.done.load(ordering: .sequentiallyConsistent) == 9)
    }

    @Test(
        "CMP-10: messages of a call keep their order, large and small ones mixed, and its end is behind them",
        arguments: [MessageEncoding.gzip, .deflate])
    func order(encoding: MessageEncoding) async throws {
        let sizes = [300_000, 10, 70_000, 2_000, 1_000_000, 0, 65_536, 5]
        let mixed = RPCMethod.bidirectional(path("Mixed"), request: .bytes, response: .bytes) {
            requests, call, writer in
            call.setResponseCompression(true)
            for try await request in requests { try await writer.write(request) }
        }
        var options = CallOptions()
        options.requestEncoding = encoding
        try await withServer([mixed]) { channel, server in
            let sent = sizes.enumerated().map { Self.text($0, bytes: $1) }
            try await channel.bidirectional(path("Mixed"), request: .bytes, response: .bytes, options: options) {
                writer, responses in
                for message in sent { try await writer.write(message) }
                writer.finish()
                var received: [[UInt8]] = []
                for try await response in responses { received.append(response) }
                #expect(received == sent)
            }
            #expect(await server.statistics.messagesCompressedBeside == 4)
        }
    }

    @Test(
        "CMP-10: a large answer and a large request of a unary call go the same way; the handler's place is free again")
    func unary() async throws {
        try await withServer(
            [echo],
            configure: {
                $0.compressesResponses = true
                $0.maxRunningCalls = 2
            }
        ) { channel, server in
            var options = CallOptions()
            options.requestEncoding = .gzip
            let message = Self.text(1, bytes: 200_000)
            try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for _ in 0..<8 {
                    group.addTask { [options] in
                        try await channel.unary(
                            path("Echo"), message, request: .bytes, response: .bytes, options: options)
                    }
                }
                for try await answer in group { #expect(answer == message) }
            }
            let statistics = await server.statistics
            #expect(statistics.messagesCompressedBeside == 8)
            #expect(statistics.runningHandlers == 0 && statistics.waitingCalls == 0)
        }
    }

    @Test("CMP-10: a call that ends while its answer is compressed ends once, and its place is free again")
    func cancelled() async throws {
        try await withServer([echo], configure: { $0.compressesResponses = true }) { channel, server in
            var options = CallOptions()
            options.requestEncoding = .gzip
            let message = [UInt8](repeating: 1, count: 1_000_000)
            for delay in 0..<6 {
                options.timeout = .milliseconds(delay * 4 + 1)
                do {
                    let answer = try await channel.unary(
                        path("Echo"), message, request: .bytes, response: .bytes, options: options)
                    #expect(answer == message)
                } catch let status as RPCStatus { #expect(status.code == .deadlineExceeded) }
            }
            options.timeout = nil
            let answer = try await channel.unary(
                path("Echo"), message, request: .bytes, response: .bytes, options: options)
            #expect(answer == message)
        }
    }
}
