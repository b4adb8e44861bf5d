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
            let error = try await #require(throws: AggregatorError.self) { try await client.signIn(with: key) }
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
            let error = try await #require(throws: AggregatorError.self) {
                try await client.getKey(message: "m", proof: "0x00")
            }
            #expect(
                error.caseName == "unauthenticated" && error.errorCode == .expiredToken
                    && error.message == "Malformed Expired Time")
            #expect(error.description == "UNAUTHENTICATED (1003): Malformed Expired Time")
            #expect(client.session == nil)
        }
    }

    @Test(
        "a token is read without being shown", arguments: ["", "a.b", "a.b.c", "e30.e30.e30", "x.eyJzdWIiOiIweCJ9.y"])
    func malformedTokens(text: String) throws {
        let error = try #require(throws: AggregatorError.self) { try Session(token: text) }
        #expect(error.code == .invalidArgument)
        #expect(text.isEmpty || !error.message.contains(text))
        let (session, token) = (try Known.session(), try Known.token())
        #expect(!"\(session)".contains(token))
    }

    @Test("calls that want a session are not sent without one")
    func withoutSession() async throws {
        try await withAggregator([]) { client in
            let error = try await #require(throws: AggregatorError.self) { try await client.getWallet() }
            #expect(error.code == .unauthenticated)
            #expect(error.errorCode == .unauthorized)
        }
    }

    /// A server whose tokens are accepted by `accepts`, and which notes each token that it gives.
    private func signingIn(
        _ given: Seen<String>, accepts: @escaping @Sendable (String?) -> Bool
    ) -> [RPCMethod] {
        [
            .unary(Wire.AggregatorMethods.getSignatureFormat) { request, _ in
                let wallet = try #require(Address(request.wallet))
                return .with { $0.message = Known.signInText(of: wallet) }
            },
            .unary(Wire.AggregatorMethods.getKey) { _, _ in
                let token = try Known.token(chain: "\(given.all.count + 1)")
                given.append(token)
                return .with { $0.key = token }
            },
            .unary(Wire.AggregatorMethods.createTask) { _, call in
                guard accepts(call.metadata["authkey"]) else {
                    throw try failure(.unauthenticated, "User Auth key is invalid", .expiredToken)
                }
                return .with { $0.id = Known.task }
            },
        ]
    }

    @Test("happens by itself for a client with a signer: before the first call, and when the token has expired")
    func signsInByItself() async throws {
        let (given, tokens) = (Seen<String>(), Seen<String?>())
        let methods = signingIn(given) { token in tokens.append(token) != 2 }
        let task = try TaskTests.newTask()
        try await withAggregator(methods, signer: try Known.key()) { client in
            _ = try await client.createTask(task)
            #expect(client.session?.chainID == 1)
            _ = try await client.createTask(task)  // refused the first time
            #expect(client.session?.chainID == 2)
        }
        let (first, second) = (try Known.token(chain: "1"), try Known.token(chain: "2"))
        #expect(tokens.all == [first, first, second])
    }

    @Test("is tried once per call: a new token that is not accepted is an error")
    func renewsOnce() async throws {
        let given = Seen<String>()
        let task = try TaskTests.newTask()
        try await withAggregator(signingIn(given) { _ in false }, signer: try Known.key()) { client in
            let error = await #expect(throws: AggregatorError.self) { try await client.createTask(task) }
            #expect(error?.errorCode == .expiredToken)
        }
        #expect(given.all.count == 2)
    }

    @Test("is shared by calls that are refused at the same time")
    func sharesRenewal() async throws {
        let (given, expired) = (Seen<String>(), try Known.token(chain: "99"))
        let refused = AsyncStream<Void>.makeStream()
        let gate = AsyncStream<Void>.makeStream()
        var methods = signingIn(given) { token in
            if token == expired { refused.continuation.yield() }
            return token != expired
        }
        methods[0] = .unary(Wire.AggregatorMethods.getSignatureFormat) { request, _ in
            for await _ in gate.stream { break }
            let wallet = try #require(Address(request.wallet))
            return .with { $0.message = Known.signInText(of: wallet) }
        }
        let (task, session) = (try TaskTests.newTask(), try Session(token: expired))
        try await withAggregator(methods, session: session, signer: try Known.key()) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<5 { group.addTask { _ = try await client.createTask(task) } }
                var refusals = refused.stream.makeAsyncIterator()
                for _ in 0..<5 { await refusals.next() }
                gate.continuation.finish()
                try await group.waitForAll()
            }
        }
        #expect(given.all.count == 1)
    }

    @Test("ends when nobody waits for it any more")
    func cancelledRenewal() async throws {
        let asked = AsyncStream<Void>.makeStream()
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.getSignatureFormat) { _, _ in
                asked.continuation.yield()
                for await _ in AsyncStream<Void>.makeStream().stream {}  // until the caller gives up
                return .init()
            }
        ]
        let task = try TaskTests.newTask()
        try await withAggregator(methods, signer: try Known.key()) { client in
            let call = Task { try await client.createTask(task) }  // ends below
            for await _ in asked.stream { break }
            call.cancel()
            let error = await #expect(throws: AggregatorError.self) { try await call.value }
            #expect(error?.code == .cancelled)
        }
    }

    @Test("with an API key is for the owner that is named")
    func apiKey() async throws {
        let seen = Seen<Wire.GetKeyReq>()
        let methods: [RPCMethod] = [
            .unary(Wire.AggregatorMethods.getSignatureFormat) { request, _ in
                let wallet = try #require(Address(request.wallet))
                return .with { $0.message = Known.signInText(of: wallet) }
            },
            .unary(Wire.AggregatorMethods.getKey) { request, _ in
                seen.append(request)
                return try .with { $0.key = try Known.token() }
            },
        ]
        let owner = try Known.key().address
        try await withAggregator(methods) { client in
            let session = try await client.signIn(as: owner, apiKey: Sensitive("a.b.c"))
            #expect(session.owner == owner)
        }
        #expect(seen.all.map(\.signature) == ["a.b.c"])
        #expect(seen.all.map(\.message) == [Known.signInText(of: owner)])
    }
}
