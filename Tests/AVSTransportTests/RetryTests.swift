import AVSRPC
import AVSTesting
import Synchronization
import Testing

@testable import AVSTransport

@Suite("A channel that tries again", .timeLimit(.minutes(1)))
struct RetryTests {
    private static let policy = RetryPolicy(
        maximumAttempts: 4, initialBackoff: .milliseconds(1), maximumBackoff: .milliseconds(4))

    private final class Counted: Sendable {
        private let value: Atomic<Int>
        init(_ start: Int = 0) { value = Atomic(start) }
        func next() -> Int { value.add(1, ordering: .relaxed).newValue }
        var count: Int { value.load(ordering: .relaxed) }
    }

    private func outcome(
        failures: Int, _ status: RPCStatus = RPCStatus(.unavailable), policy: RetryPolicy? = policy,
        throttle: RetryThrottle = RetryThrottle()
    ) async throws -> (Result<String, RPCStatus>, calls: Int) {
        let counted = Counted()
        let flaky = RPCMethod.unary(path("Flaky"), request: .bytes, response: .bytes) { request, call in
            if counted.next() <= failures { throw status }
            return request + Array((call.metadata["grpc-previous-rpc-attempts"] ?? "none").utf8)
        }
        let result: Result<String, RPCStatus> = try await withServer(
            [flaky],
            client: {
                $0.retryPolicy = policy
                $0.retryThrottle = throttle
            }
        ) { channel, _ in
            do {
                let answer = try await channel.unary(
                    path("Flaky"), Array("after ".utf8), request: .bytes, response: .bytes)
                return .success(String(decoding: answer, as: UTF8.self))
            } catch { return .failure(RPCStatus(error)) }
        }
        return (result, counted.count)
    }

    @Test("RT-3, RT-4: makes a call again until it succeeds, and says how often it did")
    func succeeds() async throws {
        let (first, firstCalls) = try await outcome(failures: 0)
        #expect(first == .success("after none") && firstCalls == 1)
        let (second, secondCalls) = try await outcome(failures: 3)
        #expect(second == .success("after 3") && secondCalls == 4)
    }

    @Test("RT-3: gives up after its attempts, without a policy, and for codes that are not retryable")
    func givesUp() async throws {
        let (result, calls) = try await outcome(failures: 9)
        #expect(result == .failure(RPCStatus(.unavailable)) && calls == 4)
        #expect(try await outcome(failures: 1, policy: nil).calls == 1)
        #expect(try await outcome(failures: 1, RPCStatus(.internal)).calls == 1)
    }

    @Test(
        "RT-4: grpc-retry-pushback-ms says when, or that there is no use",
        arguments: [("0", 4), ("2", 4), ("-1", 1), ("soon", 1), ("", 1)])
    func pushback(text: String, calls: Int) async throws {
        var metadata = Metadata()
        try metadata.add("grpc-retry-pushback-ms", text)
        #expect(try await outcome(failures: 9, RPCStatus(.unavailable, metadata: metadata)).calls == calls)
    }

    @Test("RT-5: no retries while half of the tokens are gone; successes bring them back")
    func throttle() async throws {
        // 4 tokens: the failures take one each, and the second leaves half of them.
        #expect(try await outcome(failures: 9, throttle: RetryThrottle(maximumTokens: 4)).calls == 2)
        var throttle = RetryThrottle(maximumTokens: 10, tokenRatio: 0.5)
        for _ in 0..<5 { throttle.failed() }
        #expect(!throttle.allowsRetries)
        throttle.succeeded()
        #expect(throttle.allowsRetries)
        for _ in 0..<100 { throttle.failed() }
        for _ in 0..<10 { throttle.succeeded() }
        #expect(!throttle.allowsRetries)
    }

    @Test("RT-3: response headers commit: what fails after them has failed")
    func committed() async throws {
        let counted = Counted()
        let half = RPCMethod.serverStreaming(path("Half"), request: .bytes, response: .bytes) { _, _, writer in
            _ = counted.next()
            try await writer.write([1])
            throw RPCStatus(.unavailable)
        }
        try await withServer([half], client: { $0.retryPolicy = Self.policy }) { channel, _ in
            var answers: [[UInt8]] = []
            let status = await #expect(throws: RPCStatus.self) {
                try await channel.serverStreaming(path("Half"), [], request: .bytes, response: .bytes) { responses in
                    for try await response in responses { answers.append(response) }
                }
            }
            #expect(status?.code == .unavailable && answers == [[1]] && counted.count == 1)
        }
    }

    @Test("RT-3: a request over the buffer is not sent again", arguments: [(100, 4), (2_000, 1)])
    func buffer(size: Int, calls: Int) async throws {
        let counted = Counted()
        let failing = RPCMethod.unary(path("Fail"), request: .bytes, response: .bytes) { _, _ in
            _ = counted.next()
            throw RPCStatus(.unavailable)
        }
        try await withServer(
            [failing],
            client: {
                $0.retryPolicy = Self.policy
                $0.retryBufferBytes = 1_000
            }
        ) { channel, _ in
            let request = [UInt8](repeating: 1, count: size)
            await #expect(throws: RPCStatus.self) {
                _ = try await channel.unary(path("Fail"), request, request: .bytes, response: .bytes)
            }
            #expect(counted.count == calls)
        }
    }

    @Test("RT-3: streamed requests that are at hand are sent again, in order")
    func streamed() async throws {
        let counted = Counted()
        let sum = RPCMethod.clientStreaming(path("Sum"), request: .bytes, response: .bytes) { requests, _ in
            var all: [UInt8] = []
            for try await request in requests { all += request }
            if counted.next() < 3 { throw RPCStatus(.unavailable) }
            return all
        }
        try await withServer([sum], client: { $0.retryPolicy = Self.policy }) { channel, _ in
            let answer = try await channel.clientStreaming(path("Sum"), request: .bytes, response: .bytes) { writer in
                for number in 0..<5 as Range<UInt8> { try await writer.write([number]) }
            }
            #expect(answer == [0, 1, 2, 3, 4] && counted.count == 3)
        }
    }

    @Test("RT-3: the deadline and cancellation end a pause between attempts")
    func pauses() async throws {
        let (failed, patient) = (
            Slot<Void>(), RetryPolicy(initialBackoff: .seconds(3_600), maximumBackoff: .seconds(3_600))
        )
        let failing = RPCMethod.unary(path("Fail"), request: .bytes, response: .bytes) { _, _ in
            failed.put(())
            throw RPCStatus(.unavailable)
        }
        try await withServer([failing], client: { $0.retryPolicy = patient }) { channel, _ in
            let late = await #expect(throws: RPCStatus.self) {
                _ = try await channel.unary(
                    path("Fail"), [], request: .bytes, response: .bytes,
                    options: CallOptions(timeout: .milliseconds(200)))
            }
            #expect(late?.code == .deadlineExceeded)
            let call = Task { try await channel.unary(path("Fail"), [], request: .bytes, response: .bytes) }
            await failed.take()
            await failed.take()
            call.cancel()
            let cancelled = await #expect(throws: RPCStatus.self) { _ = try await call.value }
            #expect(cancelled?.code == .cancelled)
        }
    }

    @Test("RT-3: delays grow by the multiplier to the maximum, ±20 %", arguments: 0..<20 as Range<UInt64>)
    func delays(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let policy = RetryPolicy(
            maximumAttempts: 9, initialBackoff: .milliseconds(100), maximumBackoff: .milliseconds(350), multiplier: 2)
        #expect(policy.maximumAttempts == 5)
        for (retry, wanted) in [(1, 100), (2, 200), (3, 350), (4, 350)] {
            let delay = policy.delay(before: retry, using: &random)
            #expect(delay >= .microseconds(wanted * 799) && delay <= .microseconds(wanted * 1_201))
        }
    }

    @Test("RT-6: policies hold for a method, else for its service, else for all, where a call says nothing itself")
    func policies() async throws {
        let tell = RPCMethod.unary(path("Tell"), request: .bytes, response: .bytes) { _, call in
            let left = call.deadline.map { ContinuousClock.now.duration(to: $0) / .seconds(100) }
            return Array("\(left.map { "\($0.rounded(.up))" } ?? "none")".utf8)
        }
        let other = RPCMethod.unary(path("Other"), request: .bytes, response: .bytes, handler(of: tell))
        let far = RPCMethod.unary(
            MethodPath(service: "far.Service", method: "Tell"), request: .bytes, response: .bytes, handler(of: tell))
        try await withServer(
            [tell, other, far],
            client: { configuration in
                for (scope, hundreds) in [("/test.Service/Tell", 1), ("/test.Service/", 2), ("/", 3)] {
                    var policy = CallPolicy()
                    policy.timeout = .seconds(hundreds * 100)
                    configuration.callPolicies[scope] = policy
                }
            }
        ) { channel, _ in
            for (method, own, wanted) in [
                (tell.path, nil, "1.0"), (other.path, nil, "2.0"), (far.path, nil, "3.0"),
                (far.path, Duration.seconds(150), "2.0"), (tell.path, .seconds(900), "1.0"),
            ] {
                let answer = try await channel.unary(
                    method, [], request: .bytes, response: .bytes, options: CallOptions(timeout: own))
                #expect(String(decoding: answer, as: UTF8.self) == wanted)
            }
        }
        var strict = CallPolicy()
        strict.responseLimitBytes = 5
        strict.retryPolicy = Self.policy
        var options = CallOptions()
        strict.apply(to: &options)
        #expect(options.responseLimitBytes == 5 && options.retryPolicy == Self.policy && !options.waitForReady)
    }

    private func handler(
        of method: RPCMethod
    ) -> @Sendable ([UInt8], CallContext) async throws -> [UInt8] {
        guard case .unary(let handler) = method.handler else { return { request, _ in request } }
        return handler
    }

    @Test("CH-6: a call over the server's limit waits, its deadline running, and is not sent when that passes")
    func waiting() async throws {
        let (first, goOn) = (Slot<Void>(), Slot<Void>())
        let requests = try await withRawServer { server, _ in
            try await server.open(settings: [0, 3, 0, 0, 0, 1])
            await server.request(on: 1)
            first.put(())
            await goOn.take()
            try await server.send(Raw.answer([1], stream: 1))
            await server.request(on: 3)
            try await server.send(Raw.answer([3], stream: 3))
            _ = await server.receive()
        } _: { channel in
            let one = Task { try await channel.unary(path("Echo"), [1], request: .bytes, response: .bytes) }
            await first.take()
            let late = await #expect(throws: RPCStatus.self) {
                _ = try await channel.unary(
                    path("Echo"), [2], request: .bytes, response: .bytes,
                    options: CallOptions(timeout: .milliseconds(20)))
            }
            #expect(late?.code == .deadlineExceeded)
            let three = Task { try await channel.unary(path("Echo"), [3], request: .bytes, response: .bytes) }
            goOn.put(())
            return [try await one.value, try await three.value]
        }
        #expect(requests == [[1], [3]])
    }

    @Test("RT-2: calls that wait for room have not left, so any number of GOAWAYs may pass")
    func manyGoAways() async throws {
        let result = try await withRawServer { server, number in
            try await server.open(settings: [0, 3, 0, 0, 0, number < 3 ? 0 : 1])  // no room on the first three
            if number < 3 {
                _ = await server.receive { bytes in  // our SETTINGS are acknowledged, so the call waits
                    RawFrame.all(in: Array(bytes.dropFirst(24))).contains { $0.type == 4 && $0.flags == 1 }
                }
                return try await server.send(Raw.goAway(last: 0))
            }
            await server.request(on: 1)
            try await server.send(Raw.answer([UInt8(number)], stream: 1))
            _ = await server.receive()
        } _: {
            try await $0.unary(path("Echo"), [1], request: .bytes, response: .bytes)
        }
        #expect(result == [3])
    }

    @Test("CH-1: changes of the channel's state can be watched")
    func connectivity() async throws {
        try await withServer([echo]) { channel, _ in
            var changes = channel.connectivityChanges.makeAsyncIterator()
            #expect(await changes.next() == .idle)
            _ = try await channel.unary(path("Echo"), [], request: .bytes, response: .bytes)
            while let next = await changes.next(), next != .ready { #expect(next == .connecting) }
            await channel.close()
            #expect(await changes.next() == .shutdown)
            #expect(await changes.next() == nil)
        }
    }

    @Test("CH-2: the pause between attempts can be left")
    func resetBackoff() async throws {
        let (failed, result) = (Slot<Void>(), Slot<[UInt8]>())
        try await withRawServer(.quick { $0.backoff = Backoff(first: .seconds(3_600), longest: .seconds(3_600)) }) {
            server, number in
            guard number > 0 else { return failed.put(()) }  // accepted and closed
            try await server.open()
            await server.request(on: 1)
            try await server.send(Raw.answer([7], stream: 1))
            _ = await server.receive()
        } _: { channel in
            let call = Task {
                result.put(
                    try await channel.unary(
                        path("Echo"), [], request: .bytes, response: .bytes, options: CallOptions(waitForReady: true)))
            }
            await failed.take()
            var changes = channel.connectivityChanges.makeAsyncIterator()
            while let next = await changes.next(), next != .transientFailure {}
            channel.resetBackoff()
            #expect(await result.take() == [7])
            try await call.value
        }
    }
}
