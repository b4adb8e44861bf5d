import AVSPrimitives
import AVSRPC
import AVSTransport
import Synchronization
import Testing

/// A place where a handler leaves what it saw, for a test to wait on.
final class Slot<Value: Sendable>: Sendable {
    private let stream: AsyncStream<Value>
    private let continuation: AsyncStream<Value>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func put(_ value: Value) { continuation.yield(value) }

    func take() async -> Value? {
        var iterator = stream.makeAsyncIterator()
        return await iterator.next()
    }
}

/// Waits until it is cancelled, and says so.
func hanging(_ started: Slot<Void>, _ cancelled: Slot<Void>) -> RPCMethod {
    .unary(path("Hang"), request: .bytes, response: .bytes) { _, _ in
        started.put(())
        do {
            try await Task.sleep(for: .seconds(3_600))
        } catch {
            cancelled.put(())
            throw error
        }
        return []
    }
}

@Suite("A server's calls", .timeLimit(.minutes(1)))
struct ServerCallsTests {
    private func status(_ body: () async throws -> Void) async -> RPCStatus? {
        do {
            try await body()
            return nil
        } catch {
            return error as? RPCStatus
        }
    }

    @Test("MD-1…4: metadata goes both ways, around an answer and with a failure")
    func metadata() async throws {
        let method = RPCMethod.unary(path("Meta"), request: .bytes, response: .bytes) { request, call in
            var initial = Metadata()
            try initial.add("echo", call.metadata.values("in").joined(separator: "+"))
            var trailing = Metadata()
            for value in call.metadata.bytes("in-bin") { try trailing.add("out-bin", bytes: value) }
            call.setInitialMetadata(initial)
            call.setTrailingMetadata(trailing)
            if !request.isEmpty {
                var own = Metadata()
                try own.add("why", "because")
                throw RPCStatus(.notFound, "☺ 100%\n", metadata: own)
            }
            return []
        }
        try await withServer([method]) { channel, _ in
            var options = CallOptions()
            try options.metadata.add("in", "a")
            try options.metadata.add("In", "b")
            try options.metadata.add("in-bin", bytes: [0, 255, 1])
            let answer = try await channel.unaryResponse(
                path("Meta"), [], request: .bytes, response: .bytes, options: options)
            #expect(answer.initialMetadata["echo"] == "a+b")
            #expect(answer.trailingMetadata.bytes("out-bin") == [[0, 255, 1]])
            let failure = await status {
                _ = try await channel.unary(path("Meta"), [1], request: .bytes, response: .bytes, options: options)
            }
            #expect(failure?.code == .notFound)
            #expect(failure?.message == "☺ 100%\n")
            #expect(failure?.metadata["why"] == "because")
            #expect(failure?.metadata["echo"] == "a+b")  // one section is the whole answer (RSP-2)
            #expect(failure?.metadata.bytes("out-bin") == [[0, 255, 1]])
        }
    }

    @Test("HDR-9: the context says who calls what, from where, until when")
    func context() async throws {
        let seen = Slot<CallContext>()
        let method = RPCMethod.unary(path("Who"), request: .bytes, response: .bytes) { _, call in
            seen.put(call)
            #expect(CallContext.inheritedDeadline == call.deadline)
            return []
        }
        try await withServer([method]) { channel, server in
            _ = try await channel.unary(
                path("Who"), [], request: .bytes, response: .bytes, options: CallOptions(timeout: .seconds(100)))
            let call = try #require(await seen.take())
            #expect(call.method == path("Who"))
            #expect(call.kind == .unary)
            #expect(call.peer.address.hasPrefix("127.0.0.1:"))
            #expect(call.authority == "127.0.0.1:\(try await server.boundPort)")
            #expect(call.metadata["user-agent"]?.hasPrefix("grpc-swift") == true)
            #expect(call.deadline != nil)
            #expect(call.peer.tls == nil)
        }
    }

    private struct Caller: CallValueKey { typealias Value = String }

    private struct Authentication: ServerInterceptor {
        let ends: Slot<RPCCode>

        func admit(_ call: inout CallContext) async throws {
            await Task.yield()
            guard let token = call.metadata["authkey"] else { throw RPCStatus(.unauthenticated, "no authkey") }
            call[Caller.self] = token
        }

        func ended(_ call: CallContext, with status: RPCStatus) { ends.put(status.code) }
    }

    private struct Trap: MessageCodec {
        func decode(_ bytes: [UInt8]) throws -> [UInt8] {
            if bytes.isEmpty { Issue.record("decoded before the caller was known") }
            return bytes
        }
        func encode(_ message: [UInt8]) -> [UInt8] { message }
    }

    @Test("authentication precedes decoding, and tells the handler who calls")
    func interceptor() async throws {
        let method = RPCMethod.unary(path("Secret"), request: Trap(), response: .bytes) { _, call in
            Array((call[Caller.self] ?? "nobody").utf8)
        }
        let ends = Slot<RPCCode>()
        try await withServer([method], interceptors: [Authentication(ends: ends)]) { channel, _ in
            let refused = await status {
                _ = try await channel.unary(path("Secret"), [], request: .bytes, response: .bytes)
            }
            #expect(refused?.code == .unauthenticated)
            #expect(await ends.take() == .unauthenticated)
            var options = CallOptions()
            try options.metadata.add("authkey", "ann")
            let answer = try await channel.unary(
                path("Secret"), [1], request: .bytes, response: .bytes, options: options)
            #expect(String(decoding: answer, as: UTF8.self) == "ann")
            #expect(await ends.take() == .ok)
        }
    }

    @Test("MSG-8: exactly the limit passes, one more is RESOURCE_EXHAUSTED; per method and per server")
    func limits() async throws {
        let small = RPCMethod.unary(
            path("Small"), request: .bytes, response: .bytes, options: .init(requestLimitBytes: 16_384)
        ) { request, _ in request }
        try await withServer([small, echo]) { channel, _ in
            let exact = try await channel.unary(
                path("Small"), [UInt8](repeating: 1, count: 16_384), request: .bytes, response: .bytes)
            #expect(exact.count == 16_384)
            for (method, size) in [("Small", 16_385), ("Small", 1 << 20), ("Echo", 4_194_305)] {
                let failure = await status {
                    _ = try await channel.unary(
                        path(method), [UInt8](repeating: 1, count: size), request: .bytes, response: .bytes)
                }
                #expect(failure?.code == .resourceExhausted)
                #expect(failure?.message.contains("\(size)") == true)
            }
        }
    }

    @Test("CH-9: a client's limit on responses")
    func responseLimit() async throws {
        try await withServer([echo]) { channel, _ in
            var options = CallOptions()
            options.responseLimitBytes = 99
            let failure = await status {
                _ = try await channel.unary(
                    path("Echo"), [UInt8](repeating: 1, count: 100), request: .bytes, response: .bytes, options: options
                )
            }
            #expect(failure?.code == .resourceExhausted)
        }
    }

    @Test("MSG-10, OV-5: an error nobody translated is UNKNOWN with its text hidden, and ends its own call only")
    func unknownError() async throws {
        struct Secret: Error {}
        let method = RPCMethod.unary(path("Oops"), request: .bytes, response: .bytes) { _, _ -> [UInt8] in
            throw Secret()
        }
        try await withServer([method, echo]) { channel, _ in
            let failure = await status {
                _ = try await channel.unary(path("Oops"), [], request: .bytes, response: .bytes)
            }
            #expect(failure?.code == .unknown)
            #expect(failure?.message.contains("Secret") == false)
            let answer = try await channel.unary(path("Echo"), [1], request: .bytes, response: .bytes)
            #expect(answer == [1])
        }
    }

    @Test("one table turns errors into statuses")
    func errorTable() async throws {
        struct Missing: Error {}
        let method = RPCMethod.unary(path("Oops"), request: .bytes, response: .bytes) { _, _ -> [UInt8] in
            throw Missing()
        }
        try await withServer(
            [method], configure: { $0.statusOfError = { $0 is Missing ? RPCStatus(.notFound, "gone") : RPCStatus($0) } }
        ) { channel, _ in
            let failure = await status {
                _ = try await channel.unary(path("Oops"), [], request: .bytes, response: .bytes)
            }
            #expect(failure == RPCStatus(.notFound, "gone"))
        }
    }

    @Test("DL-5: a deadline ends the call at the client's clock", arguments: [1, 50])
    func deadline(milliseconds: Int) async throws {
        let (started, cancelled) = (Slot<Void>(), Slot<Void>())
        try await withServer([hanging(started, cancelled), echo]) { channel, _ in
            for _ in 0..<2 {  // the second time with a connection that is there
                let failure = await status {
                    _ = try await channel.unary(
                        path("Hang"), [], request: .bytes, response: .bytes,
                        options: CallOptions(timeout: .milliseconds(milliseconds)))
                }
                #expect(failure?.code == .deadlineExceeded)
                _ = try await channel.unary(path("Echo"), [], request: .bytes, response: .bytes)
            }
        }
    }

    @Test("DL-4: a deadline cancels the handler, and the answer says so")
    func serverDeadline() async throws {
        let (started, cancelled) = (Slot<Void>(), Slot<Void>())
        try await withServer([hanging(started, cancelled)]) { _, server in
            let peer = try await RawConnection.open(port: try await server.boundPort)
            try await peer.send(
                Raw.opening + Raw.request("Hang", stream: 1, with: [("grpc-timeout", "1S")])
                    + Raw.message([], stream: 1, flags: 1))
            await cancelled.take()
            let bytes = await peer.receive { RawFrame.all(in: $0).contains { $0.stream == 1 } }
            #expect(RawFrame.all(in: bytes).first { $0.stream == 1 }?.flags == 0x5)
            await peer.close()
        }
    }

    @Test("DL-2: a deadline in the past fails without touching the network")
    func pastDeadline() async throws {
        let channel = try RPCChannel(target: "127.0.0.1:1", time: SystemTime(), logger: quiet)
        let failure = await status {
            _ = try await channel.unary(
                path("Echo"), [], request: .bytes, response: .bytes, options: CallOptions(timeout: .zero))
        }
        #expect(failure?.code == .deadlineExceeded)
        #expect(await channel.connectivity == .idle)
        await channel.close()
    }

    @Test("CAN-1, CAN-2: cancelling the caller's task cancels the handler")
    func cancel() async throws {
        let (started, cancelled) = (Slot<Void>(), Slot<Void>())
        try await withServer([hanging(started, cancelled)]) { channel, _ in
            let call = Task { _ = try await channel.unary(path("Hang"), [], request: .bytes, response: .bytes) }
            await started.take()
            call.cancel()
            await cancelled.take()
            let failure = await status { try await call.value }
            #expect(failure?.code == .cancelled)
        }
    }

    @Test("CAN-5: a streaming call is over when its closure returns")
    func leave() async throws {
        let ended = Slot<Bool>()
        let flood = RPCMethod.serverStreaming(path("Flood"), request: .bytes, response: .bytes) { _, _, writer in
            do {
                while true { try await writer.write([1, 2, 3]) }
            } catch {
                ended.put(error is CancellationError)
                throw error
            }
        }
        try await withServer([flood]) { channel, _ in
            let first = try await channel.serverStreaming(path("Flood"), [], request: .bytes, response: .bytes) {
                responses in
                for try await response in responses { return response }
                return []
            }
            #expect(first == [1, 2, 3])
            #expect(await ended.take() == true)
        }
    }

    @Test("MAP-6: a lost connection cancels its handlers")
    func lost() async throws {
        let (started, cancelled) = (Slot<Void>(), Slot<Void>())
        try await withServer([hanging(started, cancelled)]) { _, server in
            let peer = try await RawConnection.open(port: try await server.boundPort)
            try await peer.send(Raw.opening + Raw.request("Hang", stream: 1) + Raw.message([], stream: 1, flags: 1))
            await started.take()
            await peer.close()
            await cancelled.take()
        }
    }

    @Test("HDR-12: trailers of a client are its half-close")
    func clientTrailers() async throws {
        try await withServer([collect]) { _, server in
            let peer = try await RawConnection.open(port: try await server.boundPort)
            try await peer.send(
                Raw.opening + Raw.request("Collect", stream: 1) + Raw.message([1, 2], stream: 1)
                    + Raw.frame(1, flags: 0x5, stream: 1, Raw.literal("x", "y")))
            let bytes = await peer.receive {
                RawFrame.all(in: $0).filter { $0.type == 1 && $0.flags & 1 == 1 }.count == 1
            }
            let data = RawFrame.all(in: bytes).first { $0.type == 0 }
            #expect(data.map { String(decoding: $0.payload.dropFirst(5), as: UTF8.self) } == "1 2")
            await peer.close()
        }
    }

    @Test("RSP-3: headers wait for the first message unless they are asked for")
    func earlyHeaders() async throws {
        let goOn = Slot<Void>()
        let method = RPCMethod.serverStreaming(path("Slow"), request: .bytes, response: .bytes) { _, call, writer in
            var initial = Metadata()
            try initial.add("early", "yes")
            call.setInitialMetadata(initial)
            try await writer.sendHeaders()
            await goOn.take()
            try await writer.write([1])
        }
        try await withServer([method]) { channel, _ in
            try await channel.serverStreaming(path("Slow"), [], request: .bytes, response: .bytes) { responses in
                #expect(try await responses.initialMetadata["early"] == "yes")
                goOn.put(())
                var messages: [[UInt8]] = []
                for try await response in responses { messages.append(response) }
                #expect(messages == [[1]])
                #expect(try await responses.status.isOK)
            }
        }
    }

    @Test("OV-2: handlers over the limit of a connection are refused unprocessed, and the client tries once more")
    func runningCalls() async throws {
        let (started, cancelled) = (Slot<Void>(), Slot<Void>())
        try await withServer(
            [hanging(started, cancelled), echo],
            configure: {
                $0.maxRunningCallsPerConnection = 1
                $0.maxWaitingCallsPerConnection = 0
            }
        ) { channel, _ in
            let call = Task { _ = try await channel.unary(path("Hang"), [], request: .bytes, response: .bytes) }
            await started.take()
            let failure = await status {
                _ = try await channel.unary(path("Echo"), [], request: .bytes, response: .bytes)
            }
            #expect(failure?.code == .unavailable)
            call.cancel()
            await cancelled.take()
        }
    }

    @Test("CMP-7: compressed both ways when both want it", arguments: [MessageEncoding.gzip, .deflate, .identity])
    func compression(encoding: MessageEncoding) async throws {
        try await withServer([echo], configure: { $0.compressesResponses = true }) { channel, _ in
            var options = CallOptions()
            options.requestEncoding = encoding
            for size in [10, 100_000] {
                let message = Array(repeating: UInt8(9), count: size)
                let answer = try await channel.unary(
                    path("Echo"), message, request: .bytes, response: .bytes, options: options)
                #expect(answer == message)
            }
        }
    }

    @Test("CMP-6: a bomb is RESOURCE_EXHAUSTED")
    func bomb() async throws {
        let small = RPCMethod.unary(
            path("Small"), request: .bytes, response: .bytes, options: .init(requestLimitBytes: 100_000)
        ) { _, _ in [] }
        try await withServer([small]) { channel, _ in
            var options = CallOptions()
            options.requestEncoding = .gzip
            let failure = await status {
                _ = try await channel.unary(
                    path("Small"), [UInt8](repeating: 0, count: 10_000_000), request: .bytes, response: .bytes,
                    options: options)
            }
            #expect(failure?.code == .resourceExhausted)
        }
    }
}
