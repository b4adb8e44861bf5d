import AVSProto
import AVSRPC
import AVSTransport
import Synchronization

/// Metadata, statuses, cancellation and deadlines.
extension TestClient {
    // MARK: Metadata and credentials

    func customMetadata() async throws {
        var options = CallOptions()
        try options.metadata.add(TestService.echoInitial, "test_initial_metadata_value")
        try options.metadata.add(TestService.echoTrailing, bytes: [0xab, 0xab, 0xab])
        let response = try await largeUnary(options: options)
        try Self.checkEchoes(response.initialMetadata, response.trailingMetadata)
        try await bidirectional(Methods.fullDuplexCall, options: options) { writer, responses in
            try await writer.write(Self.duplexRequest(up: 271_828, down: 314_159))
            writer.finish()
            for try await _ in responses {}
            try Self.checkEchoes(try await responses.initialMetadata, try await responses.status.metadata)
        }
    }

    private static func checkEchoes(_ initial: Metadata, _ trailing: Metadata) throws {
        try expect(initial.values(TestService.echoInitial), ["test_initial_metadata_value"], "text in the headers")
        try expect(trailing.bytes(TestService.echoTrailing), [[0xab, 0xab, 0xab]], "bytes in the trailers")
    }

    /// The token arrives with the call that has it and with no other; without TLS it stays here unless that is allowed.
    func perRPCCredentials(_ server: ServerAddress) async throws {
        let token: @Sendable (MethodPath) async throws -> Metadata = { _ in
            var metadata = Metadata()
            try metadata.add("authorization", "Bearer interop-user")
            return metadata
        }
        var options = CallOptions()
        options.credentials = CallCredentials(allowsPlaintext: !server.isSecure, token)
        let mine = try await largeUnary(options: options) { $0.fillUsername = true }
        try expect(mine.message.username, "interop-user", "caller with credentials")
        let nobodys = try await largeUnary { $0.fillUsername = true }
        try expect(nobodys.message.username, "", "caller without credentials")
        guard !server.isSecure else { return }
        options.credentials = CallCredentials(token)
        try await expectStatus(.unauthenticated, "credentials without TLS") { try await largeUnary(options: options) }
    }

    // MARK: Statuses

    func statusCodeAndMessage() async throws {
        let wanted = GRPCTesting.EchoStatus(.unknown, "test status message")
        let unaryStatus = try await expectStatus(.unknown, "unary") {
            _ = try await unary(Methods.unaryCall, .with { $0.responseStatus = wanted })
        }
        try expect(unaryStatus.message, wanted.message, "text, unary")
        let duplexStatus = try await expectStatus(.unknown, "duplex") {
            try await bidirectional(Methods.fullDuplexCall) { writer, responses in
                try await writer.write(.with { $0.responseStatus = wanted })
                writer.finish()
                for try await _ in responses {}
            }
        }
        try expect(duplexStatus.message, wanted.message, "text, duplex")
    }

    func specialStatusMessage() async throws {
        let wanted = GRPCTesting.EchoStatus(
            .unknown, "\t\ntest with whitespace\r\nand Unicode BMP \u{263a} and non-BMP \u{1f608}\t\n")
        let status = try await expectStatus(.unknown, "unary") {
            _ = try await unary(Methods.unaryCall, .with { $0.responseStatus = wanted })
        }
        try expect(status.message, wanted.message, "text")
    }

    func unimplementedMethod() async throws {
        try await expectStatus(.unimplemented, "a method that the service lacks") {
            _ = try await unary(Methods.unimplementedCall, GRPCTesting.Empty())
        }
    }

    func unimplementedService() async throws {
        try await expectStatus(.unimplemented, "a service that the server lacks") {
            _ = try await unary(GRPCTesting.UnimplementedServiceMethods.unimplementedCall, GRPCTesting.Empty())
        }
    }

    // MARK: Ends from this side

    func cancelAfterBegin() async throws {
        try await expectCancelled { hasBegun in
            _ = try await clientStreaming(Methods.streamingInputCall) { _ in
                hasBegun()
                try await Task.sleep(for: InteropCase.timeLimit)
            }
        }
    }

    func cancelAfterFirstResponse() async throws {
        try await expectCancelled { hasBegun in
            try await bidirectional(Methods.fullDuplexCall) { writer, responses in
                try await writer.write(Self.duplexRequest(up: 27_182, down: 31_415))
                for try await response in responses {
                    try expect(response.payload?.body.count, 31_415, "size of the answer")
                    hasBegun()
                }
            }
        }
    }

    /// Cancels the task of a call as soon as the call says that it has begun.
    private func expectCancelled(_ call: @escaping @Sendable (_ hasBegun: @Sendable () -> Void) async throws -> Void)
        async throws
    {
        let (begun, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { continuation.finish() }
                try await expectStatus(.cancelled, "a cancelled call") { try await call { continuation.yield() } }
            }
            for await _ in begun { group.cancelAll() }
            try await group.waitForAll()
        }
    }

    func timeoutOnSleepingServer() async throws {
        try await expectStatus(.deadlineExceeded, "a call with 1 ms to live") {
            try await bidirectional(Methods.fullDuplexCall, options: CallOptions(timeout: .milliseconds(1))) {
                writer, responses in
                do {
                    let request = Self.duplexRequest(up: 27_182, down: 31_415, intervalMicroseconds: 1_000_000)
                    try await writer.write(request)
                } catch let status as RPCStatus where status.code == .cancelled {
                    // The call was over before its request was sent; its own status follows.
                }
                for try await _ in responses {}
            }
        }
    }
}
