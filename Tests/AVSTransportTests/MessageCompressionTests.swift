import AVSRPC
import AVSTransport
import Testing

@Suite("Compression of one message", .timeLimit(.minutes(1)))
struct MessageCompressionTests {
    private static let zeros = [UInt8](repeating: 0, count: 10_000)

    /// Says for each request whether it came compressed, and answers compressed if the first byte asks for it.
    private static let report = RPCMethod.bidirectional(path("Report"), request: .bytes, response: .bytes) {
        requests, call, writer in
        call.setResponseCompression(true)
        for try await request in requests {
            var answer = zeros
            answer[0] = call.requestWasCompressed ? 1 : 0
            try await writer.write(answer, compress: request.first == 1)
        }
    }

    @Test("CMP-7: either side chooses for each message of a stream, and sees what the other chose")
    func stream() async throws {
        var options = CallOptions()
        options.requestEncoding = .gzip
        try await withServer([Self.report]) { channel, _ in
            try await channel.bidirectional(path("Report"), request: .bytes, response: .bytes, options: options) {
                writer, responses in
                var iterator = responses.makeAsyncIterator()
                for (request, response) in [(true, true), (false, true), (true, false), (false, false), (true, true)] {
                    try await writer.write([response ? 1 : 0] + Self.zeros, compress: request)
                    let answer = try await iterator.next()
                    #expect(answer?.first == (request ? 1 : 0))
                    #expect(responses.lastWasCompressed == response)
                }
            }
        }
    }

    @Test("CMP-7: a handler's wish goes over the server's configuration", arguments: [false, true])
    func unary(isWanted: Bool) async throws {
        let method = RPCMethod.unary(path("Zeros"), request: .bytes, response: .bytes) { request, call in
            call.setResponseCompression(isWanted)
            return Self.zeros
        }
        try await withServer([method], configure: { $0.compressesResponses = !isWanted }) { channel, _ in
            for encoding in MessageEncoding.allCases {
                var options = CallOptions()
                options.requestEncoding = encoding
                let answer = try await channel.unaryResponse(
                    path("Zeros"), Self.zeros, request: .bytes, response: .bytes, options: options)
                #expect(answer.message == Self.zeros)
                #expect(answer.wasCompressed == isWanted)
            }
        }
    }
}
