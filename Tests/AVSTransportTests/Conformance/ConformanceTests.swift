import AVSRPC
import AVSTransport
import Testing

/// One rule of HTTP/2 and what a server makes of a peer that keeps or breaks it.
struct H2Case: Sendable, CustomTestStringConvertible {
    /// Group, section and number: `http2/6.5.2/1` is the first case about section 6.5.2 of RFC 9113, `hpack/…` counts
    /// in RFC 7541, `generic/…` in the list of section 26.3.
    let name: String
    let summary: String
    let run: @Sendable (H2Client) async throws -> Void

    init(_ name: String, _ summary: String, _ run: @escaping @Sendable (H2Client) async throws -> Void) {
        self.name = name
        self.summary = summary
        self.run = run
    }

    var testDescription: String { "\(name) \(summary)" }

    /// What libnghttp2 1.52 does otherwise, and why that is left so (ATT-13).
    ///
    /// - http2/5.1.1/2: a new stream whose number is below an earlier one is ignored, where section 5.1.1 asks for a
    ///   connection error. The library does so on purpose: it cannot tell such a stream from one that it has
    ///   forgotten after both sides closed it. No handler starts and nothing is kept, so there is nothing to attack.
    static let knownExceptions = ["http2/5.1.1/2"]

    static let all =
        generic + genericHeaders + frameFormat + streamStates + frames + settings + windows + exchanges + hpack
}

@Suite("26.3 HTTP/2 conformance", .timeLimit(.minutes(5)))
struct ConformanceTests {
    @Test("NG-5, NG-20, DR-4, FC-11, HDR-13, OV-1: a live server keeps", arguments: H2Case.all)
    func rule(_ rule: H2Case) async throws {
        try await withServer([echo]) { channel, server in
            let peer = try await H2Client(port: try await server.boundPort)
            if H2Case.knownExceptions.contains(rule.name) {
                await withKnownIssue { try await rule.run(peer) }
            } else {
                try await rule.run(peer)
            }
            await peer.close()
            // Whatever that was, it was that connection's own trouble.
            let answer = try await channel.unary(path("Echo"), [1], request: .bytes, response: .bytes)
            #expect(answer == [1])
        }
    }

    @Test("the cases have a name each")
    func names() {
        #expect(Set(H2Case.all.map(\.name)).count == H2Case.all.count)
        #expect(Set(H2Case.knownExceptions).isSubset(of: H2Case.all.map(\.name)))
    }
}
