import AVSHTTP2
import AVSRPC
import AVSTransport
import Testing

@Suite("A server that sends its clients away", .timeLimit(.minutes(2)))
struct LongRunTests {
    /// Unary, streaming up, streaming down, by turns; returns how many went well.
    private func traffic(_ channel: RPCChannel, calls: Int, workers: Int) async throws -> Int {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for worker in 0..<workers {
                group.addTask {
                    for number in 0..<calls {
                        switch (worker + number) % 3 {
                        case 0:
                            let answer = try await channel.unary(
                                path("Echo"), [1, 2], request: .bytes, response: .bytes)
                            #expect(answer == [1, 2])
                        case 1:
                            let answer = try await channel.clientStreaming(
                                path("Collect"), request: .bytes, response: .bytes
                            ) { writer in
                                for _ in 0..<5 { try await writer.write([UInt8](repeating: 7, count: 500)) }
                            }
                            #expect(answer == Array("5 2500".utf8))
                        default:
                            let got = try await channel.serverStreaming(
                                path("Count"), [20] as [UInt8], request: .bytes, response: .bytes
                            ) { responses in
                                var got = 0
                                for try await _ in responses { got += 1 }
                                return got
                            }
                            #expect(got == 20)
                        }
                    }
                    return calls
                }
            }
            return try await group.reduce(0, +)
        }
    }

    @Test("26.4, KA-4, DR-1, DR-5: connections that age in a few milliseconds under load fail no call")
    func maximumAge() async throws {
        try await withServer(
            [echo, count, collect],
            configure: {
                $0.maximumAge = .milliseconds(15)
                $0.limits.http2.maxConcurrentStreams = 8
            }
        ) { channel, server in
            let answered = try await traffic(channel, calls: 60, workers: 24)
            #expect(answered == 24 * 60)
            let counted = await server.statistics
            #expect(counted.connectionsOpened > 3)
            #expect(counted.goAwaysSent.keys.allSatisfy { $0 == "max_age" })
            #expect(counted.calls(.ok) == 24 * 60 && counted.connectionsRefused.isEmpty)
        }
    }

    @Test("26.4, LIM-4: after all that nothing is left behind")
    func leftovers() async throws {
        try await withServer([echo, count, collect]) { channel, server in
            let answered = try await traffic(channel, calls: 30, workers: 8)
            #expect(answered == 240)
            let counted = await server.statistics
            #expect(counted.queuedBytes == 0 && counted.runningHandlers == 0 && counted.connectionsOpen == 1)
        }
    }
}
