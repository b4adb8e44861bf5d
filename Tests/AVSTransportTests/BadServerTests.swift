import AVSHTTP2
import AVSRPC
import AVSTesting
import AVSTransport
import Testing

@Suite("A client and a bad server", .timeLimit(.minutes(1)))
struct BadServerTests {
    private func call(_ channel: RPCChannel, _ options: CallOptions = CallOptions()) async -> Result<[UInt8], RPCStatus>
    {
        do {
            return .success(
                try await channel.unary(path("Echo"), [1], request: .bytes, response: .bytes, options: options))
        } catch {
            return .failure(RPCStatus(error))
        }
    }

    private func outcome(_ answer: [UInt8]) async throws -> Result<[UInt8], RPCStatus> {
        try await withRawServer { server, _ in
            try await server.open()
            await server.request(on: 1)
            try await server.send(answer)
            _ = await server.receive()
        } _: { channel in
            await call(channel)
        }
    }

    @Test("a good answer, as a yardstick")
    func good() async throws {
        #expect(try await outcome(Raw.answer([7], stream: 1)) == .success([7]))
    }

    @Test(
        "26.2 rst_after_header, rst_during_data, rst_after_data: NO_ERROR before trailers is a failure",
        arguments: [
            Raw.responseHeaders(stream: 1),
            Raw.responseHeaders(stream: 1) + Raw.frame(0, stream: 1, [0, 0, 0, 0, 9, 1]),
            Raw.responseHeaders(stream: 1) + Raw.message([7], stream: 1),
        ])
    func reset(before: [UInt8]) async throws {
        let result = try await outcome(before + Raw.frame(3, stream: 1, Raw.big(0)))
        #expect(result.failureCode == .internal)
    }

    @Test("MAP-3: NO_ERROR after trailers is no failure")
    func resetAfter() async throws {
        #expect(try await outcome(Raw.answer([7], stream: 1) + Raw.frame(3, stream: 1, Raw.big(0))) == .success([7]))
    }

    @Test("RT-2: a refused stream is tried once more, then it is UNAVAILABLE")
    func refused() async throws {
        let once = try await withRawServer { server, _ in
            try await server.open()
            await server.request(on: 1)
            try await server.send(Raw.frame(3, stream: 1, Raw.big(7)))
            await server.request(on: 3)
            try await server.send(Raw.answer([3], stream: 3))
            _ = await server.receive()
        } _: {
            await call($0)
        }
        #expect(once == .success([3]))
        let twice = try await withRawServer { server, _ in
            try await server.open()
            await server.request(on: 1)
            try await server.send(Raw.frame(3, stream: 1, Raw.big(7)))
            await server.request(on: 3)
            try await server.send(Raw.frame(3, stream: 3, Raw.big(7)))
            _ = await server.receive()
        } _: {
            await call($0)
        }
        #expect(twice.failureCode == .unavailable)
    }

    @Test("DR-5: a call that GOAWAY left out goes to a new connection, unseen by the caller")
    func goAway() async throws {
        let result = try await withRawServer { server, number in
            try await server.open()
            await server.request(on: 1)
            try await server.send(number == 0 ? Raw.goAway(last: 0) : Raw.answer([UInt8(number)], stream: 1))
            _ = await server.receive()
        } _: {
            await call($0)
        }
        #expect(result == .success([1]))
    }

    @Test("DR-5: a call below the last stream of GOAWAY finishes; the next one takes a new connection; twice is normal")
    func goAwayLater() async throws {
        try await withRawServer { server, number in
            try await server.open()
            await server.request(on: 1)
            try await server.send(
                Raw.goAway(last: 0x7fff_ffff) + Raw.goAway(last: 1) + Raw.answer([UInt8(number)], stream: 1))
            _ = await server.receive()
        } _: { channel in
            #expect(await call(channel) == .success([0]))
            #expect(await call(channel) == .success([1]))
        }
    }

    @Test("26.2 max_streams: ten calls at once through a limit of one")
    func maxStreams() async throws {
        try await withServer([echo], configure: { $0.limits.http2.maxConcurrentStreams = 1 }) { channel, _ in
            await withTaskGroup(of: Result<[UInt8], RPCStatus>.self) { group in
                for _ in 0..<10 { group.addTask { await self.call(channel) } }
                for await result in group { #expect(result == .success([1])) }
            }
        }
    }

    @Test("26.2 data_frame_padding: 300 KB in frames of 5 bytes with 255 of padding")
    func padding() async throws {
        let message = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
        let result = try await withRawServer { server, _ in
            try await server.open()
            await server.request(on: 1)
            try await server.send(Raw.responseHeaders(stream: 1))
            var rest = ([0] + Raw.big(300_000) + message)[...]
            var sent = 0
            while !rest.isEmpty {
                let spent = sent
                // Only what the client's updates allow, padding and its length included.
                let credit = Self.credit(await server.receive { Self.credit($0) - spent >= 261 })
                try #require(credit - spent >= 261, "the client has hung up")
                var frames: [UInt8] = []
                while credit - sent >= 261, !rest.isEmpty {
                    frames += Raw.frame(
                        0, flags: 0x8, stream: 1, [255] + rest.prefix(5) + [UInt8](repeating: 0, count: 255))
                    rest = rest.dropFirst(5)
                    sent += 261
                }
                try await server.send(frames)
            }
            try await server.send(Raw.trailers(stream: 1))
            _ = await server.receive()
        } _: {
            await call($0)
        }
        #expect(result == .success(message))
    }

    /// What a client allows on stream 1: its initial window and its updates.
    private static func credit(_ bytes: [UInt8]) -> Int {
        var credit = 262_144
        for frame in RawFrame.all(in: Array(bytes.dropFirst(24))) where frame.type == 8 && frame.stream == 1 {
            credit += Int(frame.payload.reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
        }
        return credit
    }

    @Test("26.2 no_df_padding: the same without padding")
    func noPadding() async throws {
        let message = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
        let result = try await withRawServer { server, _ in
            try await server.open()
            await server.request(on: 1)
            try await server.send(Raw.responseHeaders(stream: 1))
            var (rest, sent) = (([0] + Raw.big(300_000) + message)[...], 0)
            while !rest.isEmpty {
                let spent = sent
                let credit = Self.credit(await server.receive { Self.credit($0) - spent >= 5 })
                try #require(credit - spent >= 5, "the client has hung up")
                var frames: [UInt8] = []
                while credit - sent >= 5, !rest.isEmpty {
                    frames += Raw.frame(0, stream: 1, Array(rest.prefix(5)))
                    rest = rest.dropFirst(5)
                    sent += 5
                }
                try await server.send(frames)
            }
            try await server.send(Raw.trailers(stream: 1))
            _ = await server.receive()
        } _: {
            await call($0)
        }
        #expect(result == .success(message))
    }

    @Test("26.2 ping: every PING is answered, also in the middle of data")
    func ping() async throws {
        let (first, second) = ([UInt8](repeating: 1, count: 8), [UInt8](repeating: 2, count: 8))
        let answers = Slot<[[UInt8]]>()
        let result = try await withRawServer { server, _ in
            try await server.open()
            try await server.send(Raw.frame(6, first))
            await server.request(on: 1)
            let answer = Raw.message([7, 8, 9], stream: 1)
            try await server.send(
                Raw.responseHeaders(stream: 1) + Raw.frame(0, stream: 1, Array(answer[9..<12])) + Raw.frame(6, second)
                    + Raw.frame(0, stream: 1, Array(answer[12...])) + Raw.trailers(stream: 1))
            let acks = { @Sendable (bytes: [UInt8]) in
                RawFrame.all(in: Array(bytes.dropFirst(24))).filter { $0.type == 6 && $0.flags == 1 }.map(\.payload)
            }
            answers.put(acks(await server.receive { acks($0).count == 2 }))
            _ = await server.receive()
        } _: {
            await call($0)
        }
        #expect(result == .success([7, 8, 9]))
        #expect(await answers.take() == [first, second])
    }

    @Test("26.2 two header sections before the data, and GOAWAY in the middle of one")
    func headerSections() async throws {
        let twice = Raw.responseHeaders(stream: 1) + Raw.responseHeaders(stream: 1) + Raw.message([7], stream: 1)
        #expect(try await outcome(twice).failureCode == .internal)
        let half = Raw.headers([(":status", "200")], stream: 1, flags: 0)
        #expect(try await outcome(half + Raw.goAway(last: 1)).failureCode == .unavailable)
    }

    @Test("26.2, LIM-1: a header list of 100 KB, and then a call that goes well")
    func hugeHeaders() async throws {
        let result = try await withRawServer { server, _ in
            try await server.open()
            await server.request(on: 1)
            var rest = (0..<1_000).flatMap { Raw.literal("x\($0)", String(repeating: "a", count: 100)) }[...]
            var frames = Raw.headers([(":status", "200")], stream: 1, flags: 0)
            while !rest.isEmpty {
                frames += Raw.frame(9, flags: rest.count <= 16_384 ? 4 : 0, stream: 1, Array(rest.prefix(16_384)))
                rest = rest.dropFirst(16_384)
            }
            try await server.send(frames)
            await server.request(on: 3)
            try await server.send(Raw.answer([3], stream: 3))
            _ = await server.receive()
        } _: { channel in
            [await call(channel), await call(channel)]
        }
        #expect(result.map(\.failureCode) == [.resourceExhausted, nil])
    }

    @Test("26.2 SETTINGS that shrink the window below zero: the rest of the request waits for it")
    func shrinkingWindow() async throws {
        let echoed = Slot<Int>()
        let result = try await withRawServer { server, _ in
            try await server.open()  // 65,535
            let size = { @Sendable (bytes: [UInt8]) in
                RawFrame.all(in: Array(bytes.dropFirst(24))).filter { $0.stream == 1 && $0.type == 0 }
                    .reduce(0) { $0 + $1.payload.count }
            }
            _ = await server.receive { size($0) == 65_535 }
            try await server.send(H2.settings([(H2.initialWindowSize, 0)]))
            try await server.send(H2.windowUpdate(1, 65_535) + H2.windowUpdate(0, 100_000))  // to 0
            try await server.send(H2.windowUpdate(1, 34_470))  // for what is left
            await server.request(on: 1)
            echoed.put(size(await server.receive { size($0) == 100_005 }))
            try await server.send(Raw.answer([7], stream: 1))
            _ = await server.receive()
        } _: { channel in
            try await channel.unary(
                path("Echo"), [UInt8](repeating: 1, count: 100_000), request: .bytes, response: .bytes)
        }
        #expect(result == [7])
        #expect(await echoed.take() == 100_005)
    }

    @Test("MAP-1: HTTP 502 with HTML")
    func badGateway() async throws {
        let answer =
            Raw.headers([(":status", "502"), ("content-type", "text/html")], stream: 1)
            + Raw.frame(0, flags: 1, stream: 1, Array("<html>".utf8))
        let result = try await outcome(answer)
        #expect(result.failureCode == .unavailable)
        guard case .failure(let status) = result else { return }
        #expect(status.message.contains("502") && status.message.contains("<html>"))
    }

    @Test("LIM-1: a header list over the limit is RESOURCE_EXHAUSTED")
    func largeHeaders() async throws {
        let fields = (0..<200).map { ("x\($0)", String(repeating: "a", count: 100)) }
        let block = (Raw.literal(":status", "200") + fields.flatMap { Raw.literal($0.0, $0.1) })[...]
        let answer =
            Raw.frame(1, flags: 0, stream: 1, Array(block.prefix(16_384)))
            + Raw.frame(9, flags: 0x4, stream: 1, Array(block.dropFirst(16_384)))
        #expect(try await outcome(answer).failureCode == .resourceExhausted)
    }

    @Test("1xx sections are skipped, a status of 99 is UNKNOWN, no status is UNKNOWN")
    func strange() async throws {
        let early = Raw.headers([(":status", "103"), ("link", "x")], stream: 1)
        #expect(try await outcome(early + Raw.answer([7], stream: 1)) == .success([7]))
        let head = Raw.responseHeaders(stream: 1) + Raw.message([7], stream: 1)
        #expect(try await outcome(head + Raw.trailers("99", stream: 1)).failureCode == .unknown)
        #expect(try await outcome(head + Raw.headers([("a", "b")], stream: 1, flags: 0x5)).failureCode == .unknown)
        #expect(try await outcome(head + Raw.frame(0, flags: 1, stream: 1)).failureCode == .unknown)
    }

    @Test("MAP-6: a connection that ends after any byte of the answer is UNAVAILABLE or the answer")
    func everyByte() async throws {
        let answer = Raw.answer([7], stream: 1)
        for count in 0...answer.count {
            let result = try await withRawServer { server, number in
                guard number == 0 else { return }
                try await server.open()
                await server.request(on: 1)
                try await server.send(Array(answer.prefix(count)))
            } _: {
                await call($0)
            }
            #expect(
                count == answer.count ? result == .success([7]) : result.failureCode == .unavailable, "after \(count)")
        }
    }

    @Test("CH-2: a server that accepts and never speaks is given up; RT-1: the text says why")
    func silent() async throws {
        let result = try await withRawServer(.quick { $0.connectTimeout = .milliseconds(50) }) { server, _ in
            _ = await server.receive()
        } _: {
            await call($0)
        }
        #expect(result.failureCode == .unavailable)
        guard case .failure(let status) = result else { return }
        #expect(status.message.hasPrefix("no connection to 127.0.0.1:"))
    }

    @Test("RT-1: nobody listening is UNAVAILABLE at once, or at the deadline for those who wait")
    func refusedConnection() async throws {
        let channel = try RPCChannel(target: "127.0.0.1:1", time: SystemTime(), logger: quiet)
        #expect(await call(channel).failureCode == .unavailable)
        let waiting = await call(channel, CallOptions(timeout: .milliseconds(100), waitForReady: true))
        #expect(waiting.failureCode == .deadlineExceeded)
        await channel.close()
        #expect(await call(channel).failureCode == .unavailable)
        #expect(await channel.connectivity == .shutdown)
    }

    @Test("RT-1: a call that waits gets the connection that comes at the third attempt")
    func waitForReady() async throws {
        let result = try await withRawServer { server, number in
            guard number >= 2 else { return }  // accepted and closed: no SETTINGS, so no success (CH-2)
            try await server.open()
            await server.request(on: 1)
            try await server.send(Raw.answer([UInt8(number)], stream: 1))
            _ = await server.receive()
        } _: {
            await call($0, CallOptions(waitForReady: true))
        }
        #expect(result == .success([2]))
    }

    @Test("CAN-1: a cancelled call resets its stream with CANCEL")
    func cancel() async throws {
        let (sent, seen) = (Slot<Void>(), Slot<[UInt8]?>())
        try await withRawServer { server, _ in
            try await server.open()
            await server.request(on: 1)
            sent.put(())
            seen.put(await server.reset(of: 1))
            _ = await server.receive()
        } _: { channel in
            let task = Task { await self.call(channel) }
            await sent.take()
            task.cancel()
            #expect(await task.value.failureCode == .cancelled)
            #expect(await seen.take() == Raw.big(8))
        }
    }

    @Test("CH-1: a connection that became ready after its last call had gone is closed when it has idled")
    func neverUsed() async throws {
        let (ended, seen) = (Slot<Void>(), Slot<[UInt8]>())
        try await withRawServer(.quick { $0.idleTimeout = .milliseconds(20) }) { server, _ in
            await ended.take()
            try await server.open()
            seen.put(await server.receive())
        } _: { channel in
            let late = await call(channel, CallOptions(timeout: .milliseconds(10)))
            #expect(late.failureCode == .deadlineExceeded)
            ended.put(())
            #expect(Array((await seen.take() ?? []).dropFirst(24)).goAway?.text == "idle")
        }
    }

    @Test("RSP-6: random answers end in a status and never trap", arguments: 0..<30 as Range<UInt64>)
    func fuzz(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let parts = [
            Raw.responseHeaders(stream: 1), Raw.message([7], stream: 1), Raw.trailers(stream: 1),
            Raw.frame(0, stream: 1, [9]),
            Raw.frame(3, stream: 1, Raw.big(UInt32.random(in: 0...14, using: &random))), Raw.goAway(last: 1),
            Raw.frame(6, [0, 0, 0, 0, 0, 0, 0, 1]),
            Raw.frame(0, flags: 1, stream: 1), Raw.headers([(":status", "103")], stream: 1), Raw.frame(0x55, [1, 2]),
            Raw.headers([("a-bin", "*")], stream: 1, flags: 0x5), Raw.frame(4, [0, 4, 0, 0, 0, 0]),
        ]
        let answer = (0..<6).flatMap { _ in parts.randomElement(using: &random) ?? [] }
        _ = try await withRawServer(RPCChannel.Configuration()) { server, number in
            guard number == 0 else { return }
            try await server.open()
            await server.request(on: 1)
            try await server.send(answer)
        } _: {
            await call($0)
        }
    }
}

extension Result<[UInt8], RPCStatus> {
    var failureCode: RPCCode? {
        if case .failure(let status) = self { return status.code }
        return nil
    }
}
