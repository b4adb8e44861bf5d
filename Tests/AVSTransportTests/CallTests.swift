import AVSRPC
import AVSTransport
import Testing

@Suite("Calls over a socket")
struct CallTests {
    @Test("unary: an answer for a request, of any size", arguments: [0, 1, 100, 16_384, 70_000, 4_194_304])
    func unary(size: Int) async throws {
        let message = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
        try await withServer([echo]) { channel, _ in
            let answer = try await channel.unary(path("Echo"), message, request: .bytes, response: .bytes)
            #expect(answer == message)
        }
    }

    @Test("server streaming: all messages in order, then the end")
    func serverStreaming() async throws {
        try await withServer([count]) { channel, _ in
            let numbers = try await channel.serverStreaming(
                path("Count"), [200] as [UInt8], request: .bytes, response: .bytes
            ) {
                responses in
                var numbers: [UInt8] = []
                for try await response in responses { numbers += response }
                return numbers
            }
            #expect(numbers == Array(0..<200))
        }
    }

    @Test("client streaming: one answer for all requests")
    func clientStreaming() async throws {
        try await withServer([collect]) { channel, _ in
            let answer = try await channel.clientStreaming(path("Collect"), request: .bytes, response: .bytes) {
                writer in
                for size in [27_182, 8, 1_828, 45_904] { try await writer.write(Array(repeating: 7, count: size)) }
            }
            #expect(String(decoding: answer, as: UTF8.self) == "4 74922")
        }
    }

    @Test("bidirectional: ping, pong")
    func bidirectional() async throws {
        try await withServer([mirror]) { channel, _ in
            try await channel.bidirectional(path("Mirror"), request: .bytes, response: .bytes) { writer, responses in
                var iterator = responses.makeAsyncIterator()
                for size in [31_415, 9, 2_653, 58_979] {
                    try await writer.write(Array(repeating: 1, count: size))
                    #expect(try await iterator.next()?.count == size)
                }
                writer.finish()
                #expect(try await iterator.next() == nil)
            }
        }
    }

    @Test("HDR-5: unknown methods are told apart from unknown services")
    func unimplemented() async throws {
        try await withServer([echo]) { channel, _ in
            let noMethod = await #expect(throws: RPCStatus.self) {
                _ = try await channel.unary(path("Nothing"), [], request: .bytes, response: .bytes)
            }
            #expect(noMethod?.code == .unimplemented)
            #expect(noMethod?.message == "unknown method 'Nothing' of service 'test.Service'")
            let noService = await #expect(throws: RPCStatus.self) {
                _ = try await channel.unary(
                    MethodPath(service: "other.Service", method: "Echo"), [], request: .bytes, response: .bytes)
            }
            #expect(noService?.message == "unknown service 'other.Service'")
        }
    }
}
