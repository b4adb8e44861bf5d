import AVSRPC
import AVSTesting
import Synchronization
import Testing

@testable import AVSTransport

private typealias Open =
    @Sendable (MethodPath, CallOptions, ClientCallInterceptor.Next) async throws -> any ClientCallChannel

/// A client's interceptor made of a function.
private struct Opening: ClientCallInterceptor {
    let body: Open

    init(_ body: @escaping Open) { self.body = body }

    func open(
        _ method: MethodPath, _ kind: CallKind, _ options: CallOptions, next: @escaping Next
    ) async throws -> any ClientCallChannel {
        try await body(method, options, next)
    }
}

private typealias Intercept =
    @Sendable (any ServerCallChannel, CallContext, ServerCallInterceptor.Next) async throws -> Void

/// A server's interceptor made of a function.
private struct Around: ServerCallInterceptor {
    let body: Intercept

    init(_ body: @escaping Intercept) { self.body = body }

    func intercept(_ call: any ServerCallChannel, _ context: CallContext, next: Next) async throws {
        try await body(call, context, next)
    }
}

/// Appends a byte.
private func marking(_ byte: UInt8) -> @Sendable ([UInt8]) async throws -> [UInt8] { { $0 + [byte] } }

private let failing = RPCMethod.unary(path("Fail"), request: .bytes, response: .bytes) { _, _ in
    throw RPCStatus(.notFound, "no such thing")
}

private struct Unforeseen: Error {}

/// Calls of all four kinds with one message each way: what came back.
private func callEachKind(_ channel: RPCChannel) async throws -> [[UInt8]] {
    let unary = try await channel.unary(path("Echo"), [1], request: .bytes, response: .bytes)
    let gathered = try await channel.clientStreaming(path("Gather"), request: .bytes, response: .bytes) { writer in
        try await writer.write([1])
        try await writer.write([2])
    }
    let spread = try await channel.serverStreaming(path("Spread"), [1], request: .bytes, response: .bytes) {
        try await $0.reduce(into: [UInt8]()) { $0 += $1 }
    }
    let mirrored = try await channel.bidirectional(path("Mirror"), request: .bytes, response: .bytes) {
        writer, responses in
        try await writer.write([1])
        writer.finish()
        return try await responses.reduce(into: [UInt8]()) { $0 += $1 }
    }
    return [unary, gathered, spread, mirrored]
}

private let everyKind = [
    echo, mirror,
    RPCMethod.clientStreaming(path("Gather"), request: .bytes, response: .bytes) { requests, _ in
        try await requests.reduce(into: [UInt8]()) { $0 += $1 }
    },
    RPCMethod.serverStreaming(path("Spread"), request: .bytes, response: .bytes) { request, _, writer in
        try await writer.write(request)
        try await writer.write(request)
    },
]

@Suite("Interceptors of a server", .timeLimit(.minutes(1)))
struct ServerInterceptorTests {
    @Test("CH-8: change requests and responses of every kind of call, the first one outermost")
    func messages() async throws {
        let outer = Around { call, context, next in
            try await next(call.mapping(requests: marking(10), responses: marking(20)), context)
        }
        let inner = Around { call, context, next in
            try await next(call.mapping(requests: marking(11), responses: marking(21)), context)
        }
        try await withServer(everyKind, interceptors: [outer, inner]) { channel, _ in
            let answers = try await callEachKind(channel)
            let request: [UInt8] = [1, 10, 11]
            let answer = request + [21, 20]
            #expect(answers == [answer, request + [2, 10, 11, 21, 20], answer + answer, answer])
        }
    }

    @Test("CH-8: change the status, whatever a handler threw; an answer that was written stays here then")
    func status() async throws {
        let broken = RPCMethod.unary(path("Break"), request: .bytes, response: .bytes) { _, _ in throw Unforeseen() }
        let seen = Mutex<[RPCStatus]>([])
        let changing = Around { call, context, next in
            do {
                try await next(call, context)
            } catch let status as RPCStatus {
                seen.withLock { $0.append(status) }
                var status = RPCStatus(.permissionDenied, "not for you")
                try status.metadata.add("why", "policy")
                throw status
            }
            throw RPCStatus(.dataLoss, "changed my mind")
        }
        try await withServer(
            [echo, failing, broken], interceptors: [changing],
            configure: { $0.statusOfError = { _ in RPCStatus(.aborted, "mapped") } }
        ) { channel, _ in
            for (method, code) in [
                ("Echo", RPCCode.dataLoss), ("Fail", .permissionDenied), ("Break", .permissionDenied),
            ] {
                let status = await #expect(throws: RPCStatus.self) {
                    _ = try await channel.unary(path(method), [1], request: .bytes, response: .bytes)
                }
                #expect(status?.code == code)
                #expect(status?.metadata["why"] == (code == .permissionDenied ? "policy" : nil))
            }
        }
        #expect(seen.withLock { $0.map(\.code) } == [.notFound, .aborted])
    }

    @Test("CH-8: answer in the handler's place, with metadata of their own; without an answer a call fails")
    func inPlaceOfHandler() async throws {
        let cache = Around { call, context, next in
            guard let request = try await call.nextMessage(), request != [0] else { return }
            var metadata = Metadata()
            try metadata.add("from", "cache")
            context.setInitialMetadata(metadata)
            try await call.write(request + request, compress: true)
            if request == [9] { try await call.write(request, compress: true) }
        }
        try await withServer([failing], interceptors: [cache]) { channel, _ in
            let answer = try await channel.unaryResponse(path("Fail"), [7], request: .bytes, response: .bytes)
            #expect(answer.message == [7, 7])
            #expect(answer.initialMetadata["from"] == "cache")
            for request: [UInt8] in [[0], [9]] {
                let failure = await #expect(throws: RPCStatus.self) {
                    _ = try await channel.unary(path("Fail"), request, request: .bytes, response: .bytes)
                }
                #expect(failure?.code == .internal)
            }
        }
    }

    @Test("CH-8: change the metadata that comes and the metadata that goes")
    func metadata() async throws {
        struct Rename: ServerCallInterceptor {
            func admit(_ call: inout CallContext) async throws {
                try call.metadata.add("user", call.metadata["login"] ?? "")
                call.metadata = call.metadata.removing("login")
            }

            func intercept(_ call: any ServerCallChannel, _ context: CallContext, next: Next) async throws {
                try await next(call, context)
                var trailing = context.responseMetadata?.trailing ?? Metadata()
                try trailing.add("cost", "1")
                context.setTrailingMetadata(trailing)
            }
        }
        let who = RPCMethod.unary(path("Who"), request: .bytes, response: .bytes) { _, call in
            var trailing = Metadata()
            try trailing.add("served", "here")
            call.setTrailingMetadata(trailing)
            return Array("\(call.metadata["user"] ?? "-") \(call.metadata["login"] ?? "-")".utf8)
        }
        try await withServer([who], interceptors: [Rename()]) { channel, _ in
            var options = CallOptions()
            try options.metadata.add("login", "ada")
            let answer = try await channel.unaryResponse(
                path("Who"), [], request: .bytes, response: .bytes, options: options)
            #expect(String(decoding: answer.message, as: UTF8.self) == "ada -")
            #expect(answer.trailingMetadata["cost"] == "1")
            #expect(answer.trailingMetadata["served"] == "here")
        }
    }

    @Test("CH-8: those that only admit calls are not among those that calls go through")
    func free() {
        let service = ServiceBundle(
            configuration: .init(), methods: [echo], interceptors: [LogLinesOfCalls()], time: ManualTime(),
            logger: quiet)
        #expect(service.interceptors.count == 1 && service.callInterceptors.isEmpty)
    }
}

@Suite("Interceptors of a channel", .timeLimit(.minutes(1)))
struct ClientInterceptorTests {
    @Test("CH-8: change requests and responses of every kind of call, the first one nearest to the caller")
    func messages() async throws {
        let near = Opening { _, options, next in
            try await next(options).mapping(requests: marking(10), responses: marking(20))
        }
        let far = Opening { _, options, next in
            try await next(options).mapping(requests: marking(11), responses: marking(21))
        }
        try await withServer(everyKind, client: { $0.interceptors = [near, far] }) { channel, _ in
            let answers = try await callEachKind(channel)
            let answer: [UInt8] = [1, 10, 11, 21, 20]
            #expect(answers == [answer, [1, 10, 11, 2, 10, 11, 21, 20], answer + answer, answer])
        }
    }

    @Test("CH-8: change how a call ends, to the better and to the worse, for all who ask")
    func status() async throws {
        let turning = Opening { _, options, next in
            try await next(options).mapping(
                responseMetadata: { _ in Metadata() },
                end: { $0.isOK ? RPCStatus(.dataLoss, "cannot be true") : .ok })
        }
        try await withServer([echo, failing, count], client: { $0.interceptors = [turning] }) { channel, _ in
            let failure = await #expect(throws: RPCStatus.self) {
                _ = try await channel.unary(path("Echo"), [1], request: .bytes, response: .bytes)
            }
            #expect(failure?.code == .dataLoss)
            try await channel.serverStreaming(path("Fail"), [], request: .bytes, response: .bytes) { responses in
                for try await _ in responses { Issue.record("there is none") }
                let status = try await responses.status
                #expect(status == .ok)
            }
            try await channel.serverStreaming(path("Count"), [2], request: .bytes, response: .bytes) { responses in
                var messages: [[UInt8]] = []
                let failure = await #expect(throws: RPCStatus.self) {
                    for try await response in responses { messages.append(response) }
                }
                #expect(messages == [[0], [1]])
                #expect(failure?.code == .dataLoss)
                let status = try await responses.status
                #expect(status.code == .dataLoss)
            }
        }
    }

    @Test("CH-8: change metadata and deadline, make a call more than once, or none at all")
    func control() async throws {
        let calls = Mutex(0)
        let flaky = RPCMethod.unary(path("Flaky"), request: .bytes, response: .bytes) { _, call in
            let number = calls.withLock { calls in
                calls += 1
                return calls
            }
            if number < 3 { throw RPCStatus(.aborted, "again") }
            return Array("\(number) \(call.metadata["try"] ?? "-") \(call.deadline != nil)".utf8)
        }
        let again = Opening { method, options, next in
            if method.method == "Cached" { return Cached(message: [42]) }
            if method.method == "Never" { throw RPCStatus(.permissionDenied, "never") }
            for attempt in 1...2 {
                let call = try await next(options)
                try await call.write([], compress: true)
                call.finishRequests()
                let failure = await #expect(throws: RPCStatus.self, "\(attempt)") { _ = try await call.nextMessage() }
                #expect(failure?.code == .aborted)
            }
            var options = options
            options.timeout = .seconds(60)
            try options.metadata.add("try", "last")
            return try await next(options)
        }
        try await withServer([flaky], client: { $0.interceptors = [again] }) { channel, _ in
            let answer = try await channel.unary(path("Flaky"), [], request: .bytes, response: .bytes)
            #expect(String(decoding: answer, as: UTF8.self) == "3 last true")
            let cached = try await channel.unary(path("Cached"), [], request: .bytes, response: .bytes)
            #expect(cached == [42])
            let failure = await #expect(throws: RPCStatus.self) {
                _ = try await channel.unary(path("Never"), [], request: .bytes, response: .bytes)
            }
            #expect(failure?.code == .permissionDenied)
        }
        #expect(calls.withLock { $0 } == 3)
    }

    /// An answer without a call.
    private final class Cached: ClientCallChannel {
        private let message: Mutex<[UInt8]?>
        init(message: [UInt8]) { self.message = Mutex(message) }
        func write(_ message: [UInt8], compress: Bool) async throws {}
        func finishRequests() {}
        func nextMessage() async throws -> [UInt8]? {
            message.withLock { message in
                defer { message = nil }
                return message
            }
        }
        var lastWasCompressed: Bool { false }
        var responseMetadata: Metadata { get async throws { Metadata() } }
        var status: RPCStatus { get async throws { .ok } }
    }

    @Test("CH-8, CAN-5: what they have opened is over when the caller's call is")
    func over() async throws {
        let ended = AsyncStream.makeStream(of: Bool.self)
        let endless = RPCMethod.bidirectional(path("Endless"), request: .bytes, response: .bytes) {
            requests, _, writer in
            try await writer.sendHeaders()
            do { for try await _ in requests {} } catch {}
            ended.continuation.yield(Task.isCancelled)
        }
        let twice = Opening { _, options, next in
            _ = try await next(options).responseMetadata
            return try await next(options)
        }
        try await withServer([endless], client: { $0.interceptors = [twice] }) { channel, _ in
            try await channel.bidirectional(path("Endless"), request: .bytes, response: .bytes) { _, responses in
                _ = try await responses.initialMetadata
            }
            var ends: [Bool] = []
            for await end in ended.stream {
                ends.append(end)
                if ends.count == 2 { break }
            }
            #expect(ends == [true, true])
        }
    }
}

@Suite("Tracers", .timeLimit(.minutes(1)))
struct TracerTests {
    private final class Tracer: CallTracer, ClientInterceptor {
        private let state = Mutex<[String]>([])
        var lines: [String] { state.withLock { $0 } }

        func prepare(_ method: MethodPath, _ options: inout CallOptions) async throws { options.tracers.append(self) }

        func attemptBegan(_ number: Int, to peer: String, metadata: inout Metadata) {
            do { try metadata.add("traceparent", "00-trace-\(number)-01") } catch { Issue.record(error) }
            state.withLock { $0.append("began \(number)\(peer.contains("127.0.0.1") ? "" : " at \(peer)")") }
        }

        func attemptEnded(_ number: Int, with status: RPCStatus) {
            state.withLock { $0.append("ended \(number) \(status.code)") }
        }

        func callEnded(with status: RPCStatus) { state.withLock { $0.append("over \(status.code)") } }
    }

    @Test("OB-3: traceparent and grpc-trace-bin pass through, both ways")
    func passThrough() async throws {
        let method = RPCMethod.unary(path("Trace"), request: .bytes, response: .bytes) { _, call in
            var metadata = Metadata()
            try metadata.add("traceparent", call.metadata["traceparent"] ?? "")
            for trace in call.metadata.bytes("grpc-trace-bin") { try metadata.add("grpc-trace-bin", bytes: trace) }
            call.setInitialMetadata(metadata)
            return []
        }
        try await withServer([method]) { channel, _ in
            var options = CallOptions()
            let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            try options.metadata.add("traceparent", parent)
            try options.metadata.add("grpc-trace-bin", bytes: [0, 0, 1, 255])
            let answer = try await channel.unaryResponse(
                path("Trace"), [], request: .bytes, response: .bytes, options: options)
            #expect(answer.initialMetadata["traceparent"] == parent)
            #expect(answer.initialMetadata.bytes("grpc-trace-bin") == [[0, 0, 1, 255]])
        }
    }

    @Test("OB-3: see each attempt of a call, whose metadata is its own, and the call's end")
    func attempts() async throws {
        let seen = Mutex<[String]>([])
        let flaky = RPCMethod.unary(path("Flaky"), request: .bytes, response: .bytes) { _, call in
            let count = seen.withLock { seen in
                seen += call.metadata.values("traceparent")
                return seen.count
            }
            if count < 3 { throw RPCStatus(.unavailable) }
            return []
        }
        let tracer = Tracer()
        try await withServer(
            [flaky],
            client: {
                $0.interceptors = [tracer]
                $0.retryPolicy = RetryPolicy(maximumAttempts: 4, initialBackoff: .milliseconds(1))
            }
        ) { channel, _ in
            _ = try await channel.unary(path("Flaky"), [], request: .bytes, response: .bytes)
        }
        #expect(seen.withLock { $0 } == (1...3).map { "00-trace-\($0)-01" })
        #expect(
            tracer.lines == [
                "began 1", "ended 1 UNAVAILABLE", "began 2", "ended 2 UNAVAILABLE", "began 3", "ended 3 OK", "over OK",
            ])
    }

    @Test("OB-3: see what is sent again because the server did not process it, and a call that never left")
    func unprocessed() async throws {
        let tracer = Tracer()
        try await withRawServer(.quick { $0.interceptors = [tracer] }) { connection, _ in
            try await connection.open()
            await connection.request(on: 1)
            try await connection.send(Raw.frame(3, stream: 1, Raw.big(7)))  // REFUSED_STREAM
            await connection.request(on: 3)
            try await connection.send(Raw.answer([5], stream: 3))
            _ = await connection.receive()
        } _: { channel in
            let answer = try await channel.unary(path("Echo"), [], request: .bytes, response: .bytes)
            #expect(answer == [5])
            await #expect(throws: RPCStatus.self) {
                _ = try await channel.unary(
                    path("Echo"), [], request: .bytes, response: .bytes, options: CallOptions(timeout: .zero))
            }
        }
        #expect(
            tracer.lines == [
                "began 1", "ended 1 UNAVAILABLE", "began 2", "ended 2 OK", "over OK", "over DEADLINE_EXCEEDED",
            ])
    }
}
