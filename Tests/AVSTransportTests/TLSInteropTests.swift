import AVSRPC
import AVSTLS
import AVSTransport
import Foundation
import TestCertificates
import Testing

/// A program's end.
struct Outcome: Sendable {
    var status: Int32
    var output: String
}

/// Runs a program without blocking the tests beside it. Both of its outputs come back together.
func run(_ program: String, _ arguments: [String], input: [UInt8] = []) async throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    let (stdin, output) = (Pipe(), Pipe())
    process.standardInput = stdin
    process.standardOutput = output
    process.standardError = output
    return try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread {
            do {
                try process.run()
                try stdin.fileHandleForWriting.write(contentsOf: Data(input))
                try stdin.fileHandleForWriting.close()
                let text = try output.fileHandleForReading.readToEnd() ?? Data()
                process.waitUntilExit()
                continuation.resume(
                    returning: Outcome(status: process.terminationStatus, output: String(decoding: text, as: UTF8.self))
                )
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }
}

/// The Python of `tools/setup`, if it was run.
let python = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent(".venv/bin/python").path
let hasPython = FileManager.default.isExecutableFile(atPath: python)

@Suite("Foreign TLS clients")
struct TLSInteropTests {
    private func withPort(_ security: TLSSecurity, _ body: (Int, Certificates) async throws -> Void) async throws {
        let certificates = try Certificates.shared.get()
        try await withServer(
            [echo], configure: { $0.listeners = [.init(.tcp(host: "127.0.0.1", port: 0), security: .tls(security))] }
        ) { _, server in
            try await body(try await server.boundPort, certificates)
        }
    }

    @Test("curl: HTTP/2 by ALPN", arguments: ["1.2", "1.3"])
    func curl(version: String) async throws {
        try await withPort(Certificates.shared.get().serverSecurity()) { port, certificates in
            let request = try #require(TemporaryFile([0, 0, 0, 0, 3, 7, 8, 9]))
            let outcome = try await run(
                "curl",
                [
                    "-sS", "--http2", "--tls-max", version, "--cacert", certificates.authority.certificatePath, "-D",
                    "-",
                    "-o", "/dev/null", "-H", "content-type: application/grpc", "-H", "te: trailers", "--data-binary",
                    "@\(request.path)", "https://localhost:\(port)/test.Service/Echo",
                ])
            #expect(outcome.status == 0, "\(outcome.output)")
            #expect(outcome.output.contains("HTTP/2 200"), "\(outcome.output)")
            #expect(outcome.output.contains("grpc-status: 0"), "\(outcome.output)")
        }
    }

    @Test("TLS-2 curl with HTTP/1.1 only gets an alert")
    func curlHTTP1() async throws {
        try await withPort(Certificates.shared.get().serverSecurity()) { port, certificates in
            let outcome = try await run(
                "curl",
                [
                    "-sS", "--http1.1", "--cacert", certificates.authority.certificatePath,
                    "https://localhost:\(port)/",
                ])
            #expect(outcome.status == 35, "\(outcome.output)")
            #expect(outcome.output.contains("no application protocol"), "\(outcome.output)")
        }
    }

    @Test("TLS-1 openssl s_client: 1.2 with AEAD only, nothing older, no renegotiation")
    func sClient() async throws {
        try await withPort(Certificates.shared.get().serverSecurity()) { port, certificates in
            let common = [
                "s_client", "-connect", "127.0.0.1:\(port)", "-servername", "localhost", "-alpn", "h2", "-CAfile",
                certificates.authority.certificatePath, "-verify_return_error",
            ]
            let modern = try await run("openssl", common + ["-tls1_2", "-brief"])
            #expect(modern.output.contains("Protocol version: TLSv1.2"), "\(modern.output)")
            #expect(modern.output.contains("Verification: OK"), "\(modern.output)")

            let weak = try await run(
                "openssl", common + ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256:AES128-GCM-SHA256"])
            #expect(weak.output.contains("handshake failure"), "\(weak.output)")
            let old = try await run("openssl", common + ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"])
            #expect(old.output.contains("alert protocol version"), "\(old.output)")
            // The line "R" makes it renegotiate.
            let again = try await run("openssl", common + ["-tls1_2"], input: Array("R\n".utf8))
            #expect(again.output.contains("RENEGOTIATING"), "\(again.output)")
            #expect(again.output.contains("no renegotiation"), "\(again.output)")

            let alive = try await run("openssl", common + ["-brief"])
            #expect(alive.output.contains("Protocol version: TLSv1.3"), "\(alive.output)")
            #expect(!alive.output.contains("Early data was accepted"))
        }
    }

    @Test("gRPC core, one-sided and mutual", .enabled(if: hasPython, "tools/setup makes .venv"))
    func grpcCore() async throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Interop/tls_echo.py").path
        try await withPort(Certificates.shared.get().serverSecurity()) { port, certificates in
            let outcome = try await run(python, [script, "localhost:\(port)", certificates.authority.certificatePath])
            #expect(outcome.output.contains("0102ff"), "\(outcome.output)")
        }
        let mutual = try Certificates.shared.get().serverSecurity {
            $0.clientCertificates = .require(try Certificates.shared.get().roots)
        }
        try await withPort(mutual) { port, certificates in
            let arguments = [script, "localhost:\(port)", certificates.authority.certificatePath]
            let stranger = try await run(python, arguments)
            #expect(stranger.status != 0)
            let (chain, key) = (certificates.client.chainPath, certificates.client.keyPath)
            let known = try await run(python, arguments + [chain, key])
            #expect(known.output.contains("0102ff"), "\(known.output)")
        }
    }
}

/// A file that goes away with the value.
final class TemporaryFile: Sendable {
    let path: String

    init?(_ bytes: [UInt8]) {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("avs-\(UUID().uuidString)").path
        guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else { return nil }
    }

    deinit {
        // Best effort: a file that stays behind harms nobody.
        try? FileManager.default.removeItem(atPath: path)
    }
}
