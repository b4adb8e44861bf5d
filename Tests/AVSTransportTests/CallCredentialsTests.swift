import AVSRPC
import AVSTransport
import Synchronization
import Testing

@Suite("Credentials of a call", .timeLimit(.minutes(1)))
struct CallCredentialsTests {
    private struct NoToken: Error {}

    private static let who = RPCMethod.unary(path("Who"), request: .bytes, response: .bytes) { _, call in
        Array((call.metadata["authorization"] ?? "nobody").utf8)
    }

    private func ask(_ channel: RPCChannel, _ credentials: CallCredentials?) async throws -> String {
        var options = CallOptions()
        options.credentials = credentials
        let answer = try await channel.unary(path("Who"), [], request: .bytes, response: .bytes, options: options)
        return String(decoding: answer, as: UTF8.self)
    }

    @Test("CH-7: are fetched for each call")
    func fetched() async throws {
        let count = Mutex(0)
        let credentials = CallCredentials(allowsPlaintext: true) { method in
            let number = count.withLock { count in
                count += 1
                return count
            }
            var metadata = Metadata()
            try metadata.add("authorization", "\(method.method) \(number)")
            return metadata
        }
        try await withServer([Self.who]) { channel, _ in
            let answers = try await [ask(channel, nil), ask(channel, credentials), ask(channel, credentials)]
            #expect(answers == ["nobody", "Who 1", "Who 2"])
        }
    }

    @Test("CH-7: stay here without TLS, and their failure is the call's")
    func refused() async throws {
        let count = Mutex(0)
        let secret = CallCredentials { _ in
            count.withLock { $0 += 1 }
            return Metadata()
        }
        try await withServer([Self.who]) { channel, _ in
            for (credentials, code) in [
                (secret, RPCCode.unauthenticated),
                (CallCredentials(allowsPlaintext: true) { _ in throw NoToken() }, .unauthenticated),
                (CallCredentials(allowsPlaintext: true) { _ in throw RPCStatus(.unavailable) }, .unavailable),
                (CallCredentials(allowsPlaintext: true) { _ in throw RPCStatus(.permissionDenied) }, .unauthenticated),
                (CallCredentials(allowsPlaintext: true) { _ in throw CancellationError() }, .cancelled),
            ] {
                let failure = await #expect(throws: RPCStatus.self) { _ = try await ask(channel, credentials) }
                #expect(failure?.code == code)
            }
        }
        #expect(count.withLock { $0 } == 0)
    }

    @Test(
        "STA-1: no code that is an application's comes from credentials, whatever they throw",
        arguments: RPCCode.allCases)
    func controlPlane(code: RPCCode) async throws {
        let credentials = CallCredentials(allowsPlaintext: true) { _ in throw RPCStatus(code, "who is asking?") }
        try await withServer([Self.who]) { channel, _ in
            let failure = await #expect(throws: RPCStatus.self) { _ = try await ask(channel, credentials) }
            let expected: RPCCode =
                code == .unavailable ? .unavailable : code.belongsToApplications ? .internal : .unauthenticated
            #expect(failure?.code == expected)
            #expect(failure?.message.contains("who is asking?") == true)
        }
    }
}
