import AVSProto
import AVSRPC
import AVSTransport

/// Who compresses what: the flag before each message, not only the header, must say what was asked for.
extension TestClient {
    private static let notProbed =
        "the server cannot see whether a request came compressed; the rest of the case passed"

    private var gzip: CallOptions {
        var options = CallOptions()
        options.requestEncoding = .gzip
        return options
    }

    func clientCompressedUnary(probes: Bool) async throws {
        if probes {
            try await expectStatus(.invalidArgument, "a plain message that claims to be compressed") {
                try await largeUnary { $0.expectCompressed = GRPCTesting.BoolValue(true) }
            }
        }
        try await largeUnary(options: gzip) { $0.expectCompressed = GRPCTesting.BoolValue(true) }
        try await largeUnary { $0.expectCompressed = GRPCTesting.BoolValue(false) }
        if !probes { throw CaseSkipped(reason: Self.notProbed) }
    }

    func serverCompressedUnary() async throws {
        for wanted in [true, false] {
            let response = try await largeUnary { $0.responseCompressed = GRPCTesting.BoolValue(wanted) }
            try expect(response.wasCompressed, wanted, "whether the answer is compressed")
        }
    }

    func clientCompressedStreaming(probes: Bool) async throws {
        if probes {
            try await expectStatus(.invalidArgument, "a plain message that claims to be compressed") {
                _ = try await clientStreaming(Methods.streamingInputCall) { writer in
                    try await writer.write(Self.inputRequest(27_182, claimsCompressed: true))
                }
            }
        }
        let answer = try await clientStreaming(Methods.streamingInputCall, options: gzip) { writer in
            try await writer.write(Self.inputRequest(27_182, claimsCompressed: true))
            try await writer.write(Self.inputRequest(45_904, claimsCompressed: false), compress: false)
        }
        try expect(answer.aggregatedPayloadSize, 73_086, "sum of the sizes")
        if !probes { throw CaseSkipped(reason: Self.notProbed) }
    }

    private static func inputRequest(_ size: Int, claimsCompressed: Bool) -> GRPCTesting.StreamingInputCallRequest {
        .with {
            $0.payload = GRPCTesting.Payload(size: size)
            $0.expectCompressed = GRPCTesting.BoolValue(claimsCompressed)
        }
    }

    func serverCompressedStreaming() async throws {
        let request = GRPCTesting.StreamingOutputCallRequest.with {
            $0.responseParameters = [
                GRPCTesting.ResponseParameters(size: 31_415, compressed: true),
                GRPCTesting.ResponseParameters(size: 92_653, compressed: false),
            ]
        }
        try await serverStreaming(Methods.streamingOutputCall, request) { responses in
            var iterator = responses.makeAsyncIterator()
            for (size, isCompressed) in [(31_415, true), (92_653, false)] {
                try expect(try await iterator.next()?.payload?.body.count, size, "size of the answer")
                try expect(responses.lastWasCompressed, isCompressed, "whether the answer is compressed")
            }
            try expect(try await iterator.next(), nil, "what follows the last answer")
        }
    }
}
