import AVSProto
import AVSRPC
import AVSTransport

/// Messages of every size, in every kind of call.
extension TestClient {
    func emptyUnary() async throws {
        try expect(try await unary(Methods.emptyCall, GRPCTesting.Empty()).message, GRPCTesting.Empty(), "answer")
    }

    func clientStreamingCase() async throws {
        let answer = try await clientStreaming(Methods.streamingInputCall) { writer in
            for size in [27_182, 8, 1_828, 45_904] {
                try await writer.write(.with { $0.payload = GRPCTesting.Payload(size: size) })
            }
        }
        try expect(answer.aggregatedPayloadSize, 74_922, "sum of the sizes")
    }

    func serverStreamingCase() async throws {
        let sizes = [31_415, 9, 2_653, 58_979]
        let request = GRPCTesting.StreamingOutputCallRequest.with {
            $0.responseParameters = sizes.map { GRPCTesting.ResponseParameters(size: $0) }
        }
        let received = try await serverStreaming(Methods.streamingOutputCall, request) { responses in
            var received: [Int?] = []
            for try await response in responses { received.append(response.payload?.body.count) }
            return received
        }
        try expect(received, sizes, "sizes of the answers")
    }

    func pingPong() async throws {
        try await bidirectional(Methods.fullDuplexCall) { writer, responses in
            var iterator = responses.makeAsyncIterator()
            for (up, down) in [(27_182, 31_415), (8, 9), (1_828, 2_653), (45_904, 58_979)] {
                try await writer.write(Self.duplexRequest(up: up, down: down))
                try expect(try await iterator.next()?.payload?.body.count, down, "size of the answer")
            }
            writer.finish()
            try expect(try await iterator.next(), nil, "what follows the last answer")
        }
    }

    func emptyStream() async throws {
        try await bidirectional(Methods.fullDuplexCall) { writer, responses in
            writer.finish()
            for try await _ in responses { throw CaseFailure("an answer came to no request") }
            try expect(try await responses.status.code, .ok, "status")
        }
    }

    static func duplexRequest(up: Int, down: Int, intervalMicroseconds: Int = 0)
        -> GRPCTesting.StreamingOutputCallRequest
    {
        .with {
            $0.payload = GRPCTesting.Payload(size: up)
            $0.responseParameters = [
                GRPCTesting.ResponseParameters(size: down, intervalMicroseconds: intervalMicroseconds)
            ]
        }
    }

    /// A thousand large calls at once: the channel makes those wait for which there is no stream.
    func concurrentLargeUnary() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<1_000 { group.addTask { try await self.largeUnary() } }
            try await group.waitForAll()
        }
    }

    /// Many calls on one channel.
    func rpcSoak() async throws {
        for _ in 0..<100 { try await largeUnary() }
    }

    /// Calls with silence between them; the original waits for minutes.
    func longLivedChannel() async throws {
        for _ in 0..<5 {
            try await largeUnary()
            try await Task.sleep(for: .milliseconds(300))
        }
    }
}

extension ServerAddress {
    /// A new channel for each call.
    func channelSoak() async throws {
        for _ in 0..<100 {
            let channel = try channel()
            do { try await TestClient(channel: channel).largeUnary() } catch {
                await channel.close()
                throw error
            }
            await channel.close()
        }
    }

    /// A channel that was given two addresses makes all its calls to one of them.
    func pickFirstUnary() async throws {
        guard let both else { throw CaseSkipped(reason: "needs a second server") }
        let channel = try channel(both)
        let client = TestClient(channel: channel)
        var names: Set<String> = []
        do {
            for _ in 0..<20 {
                let response = try await client.unary(TestClient.Methods.unaryCall, GRPCTesting.SimpleRequest())
                names.insert(response.initialMetadata[TestService.serverName] ?? "")
            }
        } catch {
            await channel.close()
            throw error
        }
        await channel.close()
        try expect(names.count, 1, "servers that answered")
    }
}
