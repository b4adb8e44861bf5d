import GRPCCore
import GRPCNIOTransportHTTP2Posix

/// The service of `echo.proto` on grpc-swift-2, with the simplest of the protocols that it generates.
struct EchoService: Bench_Echo.SimpleServiceProtocol {
    func unary(request: Bench_Text, context: ServerContext) async throws -> Bench_Text { request }

    func bulk(request: Bench_Blob, context: ServerContext) async throws -> Bench_Blob { request }

    func stream(request: Bench_Text, response: RPCWriter<Bench_Text>, context: ServerContext) async throws {
        guard let count = Int(request.id), (0...100_000_000).contains(count) else {
            throw RPCError(code: .invalidArgument, message: "'\(request.id)' is not a number of messages")
        }
        let message = Bench_Text.with { $0.id = "0123456789abcdef" }
        for _ in 0..<count { try await response.write(message) }
    }

    func hold(
        request: RPCAsyncSequence<Bench_Blob, any Error>, response: RPCWriter<Bench_Blob>, context: ServerContext
    ) async throws {
        for try await _ in request {}
    }
}

/// usage: swift-server PORT
///
/// Prints its port on one line and serves until it is terminated.
@main
struct SwiftServer {
    static func main() async throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 0
        let transport = HTTP2ServerTransport.Posix(
            address: .ipv4(host: "127.0.0.1", port: port), transportSecurity: .plaintext,
            config: .defaults { $0.rpc.maxRequestPayloadSize = 64 << 20 })
        let server = GRPCServer(transport: transport, services: [EchoService()])
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await server.serve() }
            print(try await transport.listeningAddress.ipv4?.port ?? 0)
            flush()
        }
    }
}

#if canImport(Glibc)
    import Glibc

    /// Standard output is a pipe here, and so is buffered.
    private func flush() { fflush(nil) }
#endif
