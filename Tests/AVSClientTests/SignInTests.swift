import AVSClient
import AVSCrypto
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire
import Testing

@Suite("Signing in")
struct SignInTests {
    @Test("signs the aggregator's text byte for byte, keeps the token and sends it with every call")
    func signsIn() async throws {
        let key = try Known.key()
        let token = try Known.token()
        let seen = Seen<String?>()
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.getSignatureFormat) { request, call in
                seen.append(call.metadata["authkey"])
                let wallet = try #require(Address(request.wallet))
                return .with { $0.message = Known.signInText(of: wallet) }
            },
            .unary(Wire.AggregatorMethods.getKey) { request, _ in
                let digest = SignedMessage.digest(of: Array(request.message.utf8))
                let signature = try #require(Signature(hex: request.signature))
                #expect(signature.isValid(for: digest, by: key.address))
                #expect(request.message == Known.signInText(of: key.address))
                return .with { $0.key = token }
            },
            .unary(Wire.AggregatorMethods.getTask) { _, call in
                seen.append(call.metadata["authkey"])
                return try Known.wireTask()
            },
        ]
        try await withAggregator(methods) { client in
            let session = try await client.signIn(with: key)
            #expect(session.owner == key.address)
            #expect(session.chainID == 31337)
            #expect(session.expiresAt == Timestamp(seconds: 1_900_000_000))
            #expect(client.session == session)
            let task = try await client.getTask(Known.taskID)
            #expect(task.chainID == 31337)
        }
        #expect(seen.all == [nil, token])
    }

    @Test("does not sign a text that is no sign-in of its own address", arguments: ["", "other", "foreign"])
    func refusesForeignTexts(kind: String) async throws {
        let key = try Known.key()
        let asked = Seen<String>()
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.getSignatureFormat) { _, _ in
                let own = Known.signInText(of: key.address)
                return .with {
                    switch kind {
                    case "other":
                        $0.message = "Please pay\n" + own.split(separator: "\n").dropFirst().joined(separator: "\n")
                    case "foreign": $0.message = Known.signInText(of: .zero)
                    default: $0.message = ""
                    }
                }
            },
            .unary(Wire.AggregatorMethods.getKey) { request, _ in
                asked.append(request.signature)
                return .init()
            },
        ]
        try await withAggregator(methods) { client in
            let error = try await #require(throws: ClientError.self) { try await client.signIn(with: key) }
            #expect(error.code == .internal)
        }
        #expect(asked.all.isEmpty)
    }

    @Test("a refusal keeps the code and the domain's number, and no session")
    func refusal() async throws {
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.getKey) { _, _ in
                throw try failure(.unauthenticated, "Malformed Expired Time", .expiredToken)
            }
        ]
        try await withAggregator(methods) { client in
            let error = try await #require(throws: ClientError.self) {
                try await client.signIn(message: "m", proof: "0x00")
            }
            #expect(error == ClientError(.unauthenticated, "Malformed Expired Time", errorCode: .expiredToken))
            #expect(error.description == "UNAUTHENTICATED (1003): Malformed Expired Time")
            #expect(client.session == nil)
        }
    }

    @Test(
        "a token is read without being shown", arguments: ["", "a.b", "a.b.c", "e30.e30.e30", "x.eyJzdWIiOiIweCJ9.y"])
    func malformedTokens(text: String) throws {
        let error = try #require(throws: ClientError.self) { try Session(token: text) }
        #expect(error.code == .invalidArgument)
        #expect(text.isEmpty || !error.message.contains(text))
        let (session, token) = (try Known.session(), try Known.token())
        #expect(!"\(session)".contains(token))
    }

    @Test("calls that want a session are not sent without one")
    func withoutSession() async throws {
        try await withAggregator([]) { client in
            let error = try await #require(throws: ClientError.self) { try await client.getWallet() }
            #expect(error.code == .unauthenticated)
            #expect(error.errorCode == .unauthorized)
        }
    }
}
