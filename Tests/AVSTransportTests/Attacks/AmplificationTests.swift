import AVSRPC
import AVSTransport
import Synchronization
import Testing

/// Lets nobody in but the caller who looks whether the server still answers.
private struct Doorman: ServerInterceptor {
    func admit(_ call: inout CallContext) async throws {
        guard call.method.method == "Alive" else { throw RPCStatus(.unauthenticated, "who are you?") }
    }
}

/// What strangers send, byte by byte, and how often.
private struct Flood: Sendable, CustomTestStringConvertible {
    var name: String
    var testDescription: String { name }
    /// Of one stream.
    var bytes: @Sendable (UInt32) throws -> [UInt8]

    private static func frames(_ stream: UInt32, _ content: [UInt8], ends: Bool) -> [UInt8] {
        stride(from: 0, to: content.count, by: 16_384).flatMap { start in
            let part = Array(content[start..<min(start + 16_384, content.count)])
            return Raw.frame(
                0, flags: ends && start + part.count == content.count ? 1 : 0, stream: stream, part)
        }
    }

    static let all: [Flood] = [
        Flood(name: "decompression bombs: four million bytes in a few thousand") { stream in
            let bomb = try #require(
                MessageCompressor().compressIfWorthwhile([UInt8](repeating: 0, count: 4_000_000), .gzip))
            let message = [1] + Raw.big(UInt32(bomb.count)) + bomb
            return Raw.request("Collect", stream: stream, with: [("grpc-encoding", "gzip")])
                + frames(stream, message, ends: false)
        },
        Flood(name: "five bytes that announce four million") { stream in
            Raw.request("Collect", stream: stream) + Raw.frame(0, stream: stream, [0] + Raw.big(4_000_000))
        },
        Flood(name: "thousands of empty messages") { stream in
            Raw.request("Collect", stream: stream)
                + frames(stream, [UInt8](repeating: 0, count: 5 * 3_000), ends: false)
        },
        Flood(name: "a megabyte byte by byte in the table of fields") { stream in
            // One field of 3,000 bytes enters the table; each further byte refers to it.
            let field = [0x40] + Raw.length(1) + [0x61] + Raw.length(3_000) + [UInt8](repeating: 0x62, count: 3_000)
            return Raw.request("Collect", stream: stream, flags: 0) + Raw.frame(9, stream: stream, field)
                + Raw.frame(9, flags: 4, stream: stream, [UInt8](repeating: 0xbe, count: 300))
        },
        Flood(name: "requests that ask for answers and end") { stream in
            Raw.request("Echo", stream: stream) + Raw.message([1], stream: stream, flags: 1)
        },
    ]
}

@Suite("What strangers send", .timeLimit(.minutes(2)))
struct AmplificationTests {
    @Test("OVL-10: makes the server hold at most ten times as much and 64 KiB, and inflate and begin nothing",
        arguments: Flood.all)
    fileprivate func held(flood: Flood) async throws {
        let began = Atomic<Int>(0)
        let work = RPCMethod.unary(path("Echo"), request: .bytes, response: .bytes) { request, _ in
            began.add(1, ordering: .relaxed)
            return request
        }
        let gather = RPCMethod.clientStreaming(path("Collect"), request: .bytes, response: .bytes) { requests, _ in
            began.add(1, ordering: .relaxed)
            for try await _ in requests {}
            return []
        }
        let alive = RPCMethod.unary(path("Alive"), request: .bytes, response: .bytes) { request, _ in request }
        try await withServer([work, gather, alive], interceptors: [Doorman()]) { channel, server in
            let peer = try await RawConnection.open(port: try await server.boundPort, reads: true)
            var sent = 0
            for number in 0..<12 as Range<UInt32> {
                let bytes = (number == 0 ? Raw.opening : []) + (try flood.bytes(number * 2 + 1))
                sent += bytes.count
                // Whoever is sent away may not be heard any more.
                do { try await peer.send(bytes) } catch { break }
                // Between the parts, for what is held only until the answer too.
                let held = await server.statistics.queuedBytes
                #expect(held <= 10 * sent + 65_536)
            }
            let answer = try await channel.unary(path("Alive"), [1], request: .bytes, response: .bytes)
            #expect(answer == [1])
            let counted = await server.statistics
            #expect(counted.inflatedBytes == 0 && counted.runningHandlers == 0)
            #expect(counted.queuedBytes <= 65_536, "and keeps nothing of it")
            #expect(began.load(ordering: .relaxed) == 0)
            await peer.close()
        }
    }
}
