import AVSProto
import AVSRPC
import AVSWire

/// `bench.Echo` of `peers/echo.proto`. Its `Text` has the bytes of this repository's `IdReq`, so the messages go through
/// the decoder, the Swift values and the encoder of every other call of the product.
enum EchoService {
    private typealias Text = Wire.IdReq

    static let methods: [RPCMethod] = [
        .unary(path("Unary"), request: ProtoCodec<Text>(), response: ProtoCodec<Text>()) { request, _ in request },
        .unary(path("Bulk"), request: .bytes, response: .bytes) { request, _ in request },
        .serverStreaming(path("Stream"), request: ProtoCodec<Text>(), response: ProtoCodec<Text>()) {
            request, _, writer in
            guard let count = Int(request.id), (0...100_000_000).contains(count) else {
                throw RPCStatus(.invalidArgument, "'\(request.id)' is not a number of messages")
            }
            var message = Text()
            message.id = "0123456789abcdef"
            for _ in 0..<count { try await writer.write(message) }
        },
        .bidirectional(path("Hold"), request: .bytes, response: .bytes) { requests, _, _ in
            for try await _ in requests {}
        },
    ]

    private static func path(_ method: String) -> MethodPath { MethodPath(service: "bench.Echo", method: method) }
}
