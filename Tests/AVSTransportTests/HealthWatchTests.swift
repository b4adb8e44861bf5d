import AVSRPC
import AVSTransport
import Synchronization
import Testing

@Suite("A channel that watches its server's health", .timeLimit(.minutes(1)))
struct HealthWatchTests {
    private func isAnswered(_ channel: RPCChannel, waits: Bool = false) async throws -> Bool {
        do {
            let options = CallOptions(waitForReady: waits)
            let answer = try await channel.unary(
                path("Echo"), [1], request: .bytes, response: .bytes, options: options)
            return answer == [1]
        } catch let status as RPCStatus {
            #expect(status.code == .unavailable)
            #expect(["serving", "health", "closed"].contains { status.message.contains($0) }, "\(status)")
            return false
        }
    }

    private func expect(_ channel: RPCChannel, answers: Bool, waits: Bool = false) async throws {
        let isAnswered = try await isAnswered(channel, waits: waits)
        #expect(isAnswered == answers)
    }

    @Test(
        "HL-5: is ready while the server says SERVING; calls that wait for ready wait for it", arguments: ["", "a.B"])
    func follows(service: String) async throws {
        let board = HealthBoard()
        board.set(.notServing, for: service)
        try await withServer([echo] + board.methods, client: { $0.healthService = service }) { channel, _ in
            try await expect(channel, answers: false)
            #expect(await channel.connectivity == .transientFailure)
            async let waiting = isAnswered(channel, waits: true)
            board.set(.serving, for: service)
            let answered = try await waiting
            #expect(answered)
            #expect(await channel.connectivity == .ready)
            board.set(.notServing, for: service)
            for await state in channel.connectivityChanges where state == .transientFailure { break }
            try await expect(channel, answers: false)
        }
    }

    @Test("HL-5: open calls go on when the server is not serving any more")
    func openCalls() async throws {
        let board = HealthBoard()
        try await withServer([mirror] + board.methods, client: { $0.healthService = "" }) { channel, _ in
            try await channel.bidirectional(path("Mirror"), request: .bytes, response: .bytes) { writer, responses in
                var answers = responses.makeAsyncIterator()
                try await writer.write([1])
                let first = try await answers.next()
                board.set(.notServing)
                for await state in channel.connectivityChanges where state == .transientFailure { break }
                try await writer.write([2])
                let second = try await answers.next()
                #expect(first == [1] && second == [2])
            }
        }
    }

    @Test("HL-5: a service that the server does not know is not well, until it is known")
    func unknown() async throws {
        let board = HealthBoard()
        try await withServer([echo] + board.methods, client: { $0.healthService = "a.B" }) { channel, _ in
            try await expect(channel, answers: false)
            board.set(.serving, for: "a.B")
            try await expect(channel, answers: true, waits: true)
        }
    }

    @Test("HL-5: a server without a health service counts as well")
    func unimplemented() async throws {
        try await withServer([echo], client: { $0.healthService = "" }) { channel, _ in
            try await expect(channel, answers: true)
        }
    }

    @Test("HL-5: UNIMPLEMENTED is asked once; other failures are asked again after a pause, and fail calls meanwhile")
    func failures() async throws {
        let asked = Mutex(0)
        let answers: [[UInt8]] = [
            Raw.headers(
                [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "13")], stream: 1, flags: 5),
            Raw.headers([(":status", "503"), ("content-type", "text/html")], stream: 3, flags: 5),
            Raw.frame(3, stream: 5, Raw.big(7)),  // REFUSED_STREAM
            Raw.responseHeaders(stream: 7) + Raw.message([8], stream: 7) + Raw.trailers(stream: 7),  // half an answer
            Raw.headers(
                [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "12")], stream: 9, flags: 5),
        ]
        try await withRawServer(.quick { $0.healthService = "" }) { connection, _ in
            try await connection.open()
            for (index, answer) in answers.enumerated() {
                await connection.request(on: UInt32(2 * index + 1))
                asked.withLock { $0 += 1 }
                try await connection.send(answer)
            }
            await connection.request(on: 11)
            try await connection.send(Raw.answer([1], stream: 11))
            _ = await connection.receive()
        } _: { channel in
            try await expect(channel, answers: false)
            // The call's stream comes after five questions: the sixth request of the connection is the call itself.
            try await expect(channel, answers: true, waits: true)
            #expect(await channel.connectivity == .ready)
        }
        #expect(asked.withLock { $0 } == 5)
    }

    @Test("HL-5, CH-2: a server that closes before it has served is met with pauses, not with a loop")
    func pauses() async throws {
        let connections = Mutex(0)
        var configuration = RPCChannel.Configuration.quick { $0.healthService = "" }
        configuration.backoff = Backoff(first: .seconds(3_600), longest: .seconds(3_600))
        try await withRawServer(configuration) { connection, _ in
            connections.withLock { $0 += 1 }
            try await connection.open()
            await connection.request(on: 1)
        } _: { channel in
            async let waiting = isAnswered(channel, waits: true)
            for await state in channel.connectivityChanges where state == .transientFailure { break }
            try await expect(channel, answers: false)
            await channel.close()
            let answered = try await waiting
            #expect(!answered)
        }
        #expect(connections.withLock { $0 } == 1)
    }

    @Test("HL-5, CH-4: calls go round the servers that are well")
    func roundRobin() async throws {
        let (sick, well) = (HealthBoard(), HealthBoard())
        sick.set(.notServing)
        func named(_ name: UInt8) -> RPCMethod {
            RPCMethod.unary(path("Name"), request: .bytes, response: .bytes) { _, _ in [name] }
        }
        try await withServer([named(1)] + sick.methods) { _, first in
            try await withServer([named(2)] + well.methods) { _, second in
                let ports = (try await first.boundPort, try await second.boundPort)
                let channel = try RPCChannel(
                    target: "ipv4:127.0.0.1:\(ports.0),127.0.0.1:\(ports.1)",
                    configuration: .quick {
                        $0.loadBalancing = .roundRobin
                        $0.healthService = ""
                    }, time: SystemTime(), logger: quiet)
                func name() async throws -> UInt8? {
                    try await channel.unary(
                        path("Name"), [], request: .bytes, response: .bytes, options: CallOptions(waitForReady: true)
                    ).first
                }
                for _ in 0..<10 {
                    let answer = try await name()
                    #expect(answer == 2)
                }
                sick.set(.serving)
                while try await name() != 1 {}
                well.set(.notServing)
                var last: [UInt8?] = []
                while last.suffix(6) != [1, 1, 1, 1, 1, 1] { last.append(try await name()) }
                await channel.close()
            }
        }
    }

    @Test("HL-5, CH-1, DR-5: the watch is no call: it keeps no connection from going idle, nor from its drain")
    func isNoCall() async throws {
        let board = HealthBoard()
        try await withServer(
            [echo] + board.methods,
            client: {
                $0.healthService = ""
                $0.idleTimeout = .milliseconds(20)
            }
        ) { channel, server in
            try await expect(channel, answers: true)
            for await state in channel.connectivityChanges where state == .idle { break }
            try await expect(channel, answers: true)
            server.beginDrain()  // which ends within its timeout, or the fixture's wait does not
            for await state in channel.connectivityChanges where state == .idle { break }
        }
    }
}
