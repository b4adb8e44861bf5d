import AVSRPC
import AVSTransport
import Foundation
import Testing

@Suite("Foreign clients", .timeLimit(.minutes(2)))
struct ForeignClientTests {
    private static let meta = RPCMethod.unary(path("Meta"), request: .bytes, response: .bytes) { request, call in
        guard request.isEmpty else { throw RPCStatus(.notFound, "\t\r\n☺ 😈 100%") }
        var (initial, trailing) = (Metadata(), Metadata())
        try initial.add("echo", call.metadata.values("in").joined(separator: "+"))
        for value in call.metadata.bytes("in-bin") { try trailing.add("out-bin", bytes: value) }
        call.setInitialMetadata(initial)
        call.setTrailingMetadata(trailing)
        return []
    }

    private func withPort(_ body: (Int) async throws -> Void) async throws {
        let methods = [echo, count, collect, mirror, Self.meta, hanging(Slot(), Slot())] + HealthBoard().methods
        try await withServer(methods, configure: { $0.compressesResponses = true }) { _, server in
            try await body(try await server.boundPort)
        }
    }

    private func requestFile() throws -> TemporaryFile {
        try #require(TemporaryFile([0, 0, 0, 0, 5] + Array("hello".utf8)))
    }

    @Test("nghttp sees headers, data and trailers")
    func nghttp() async throws {
        let file = try requestFile()
        try await withPort { port in
            let outcome = try await run(
                "nghttp",
                [
                    "-nv", "-d", file.path, "-H", "content-type: application/grpc", "-H", "te: trailers",
                    "http://127.0.0.1:\(port)/test.Service/Echo",
                ])
            for text in [":status: 200", "grpc-status: 0", "recv DATA frame <length=10, flags=0x00"] {
                #expect(outcome.output.contains(text), "nghttp (Debian: nghttp2-client): \(outcome.output)")
            }
        }
    }

    @Test("h2load: 5,000 calls, 400 at a time, all answered")
    func h2load() async throws {
        let file = try requestFile()
        try await withPort { port in
            let outcome = try await run(
                "h2load",
                [
                    "-n", "5000", "-c", "4", "-m", "100", "-t", "1", "-d", file.path, "-H",
                    "content-type: application/grpc", "-H", "te: trailers",
                    "http://127.0.0.1:\(port)/test.Service/Echo",
                ])
            #expect(
                outcome.output.contains("5000 succeeded, 0 failed, 0 errored, 0 timeout"),
                "h2load (Debian: nghttp2-client): \(outcome.output)")
        }
    }

    @Test("curl gets an answer it can read, over HTTP/2 and over HTTP/1")
    func curl() async throws {
        try await withPort { port in
            let second = try await run("curl", ["-s", "-i", "--http2-prior-knowledge", "http://127.0.0.1:\(port)/"])
            #expect(second.output.contains("HTTP/2 405"), "\(second.output)")
            let first = try await run("curl", ["-s", "-i", "http://127.0.0.1:\(port)/"])
            #expect(first.output.hasPrefix("HTTP/1.1 505"), "\(first.output)")
        }
    }

    @Test(
        "gRPC core: calls of every kind, metadata, deadlines, cancellation, compression, health",
        .enabled(if: hasPython, "tools/setup makes .venv"))
    func grpcCore() async throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Interop/calls.py").path
        try await withPort { port in
            let outcome = try await run(python, [script, "127.0.0.1:\(port)"])
            #expect(outcome.output == "DONE\n", "\(outcome.output)")
        }
    }
}
