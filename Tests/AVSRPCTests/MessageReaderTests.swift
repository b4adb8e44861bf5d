import AVSTesting
import Testing

@testable import AVSRPC

@Suite("A message reader")
struct MessageReaderTests {
    private static let messages: [[UInt8]] = [[], [1], Array(repeating: 2, count: 300), [], [3, 4, 5], []]
    private static let stream = messages.flatMap { framed($0) }

    private func read(_ chunks: [ArraySlice<UInt8>]) -> ([[UInt8]], RPCStatus?) {
        var reader = MessageReader(limitBytes: 1_000)
        var found: [[UInt8]] = []
        for chunk in chunks {
            reader.append(Array(chunk).span)
            while let message = reader.take() { found.append(message.bytes) }
        }
        reader.end()
        return (found, reader.failure)
    }

    @Test("MSG-2: finds the same messages however the bytes are cut")
    func everyCut() {
        let stream = Self.stream
        #expect(read([stream[...]]) == (Self.messages, nil))
        #expect(read(stream.indices.map { stream[$0...$0] }) == (Self.messages, nil))
        for cut in 0...stream.count { #expect(read([stream[..<cut], stream[cut...]]) == (Self.messages, nil)) }
    }

    @Test("MSG-2: finds the same messages in random cuts, taken late", arguments: 0..<50 as Range<UInt64>)
    func randomCuts(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let messages = (0..<40).map { _ in
            (0..<Int.random(in: 0...200, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        var rest = messages.flatMap { framed($0) }[...]
        var reader = MessageReader(limitBytes: 200)
        var found: [[UInt8]] = []
        while !rest.isEmpty {
            let count = min(rest.count, Int.random(in: 0...300, using: &random))
            reader.append(Array(rest.prefix(count)).span)
            rest = rest.dropFirst(count)
            while Bool.random(using: &random), let message = reader.take() { found.append(message.bytes) }
        }
        reader.end()
        while let message = reader.take() { found.append(message.bytes) }
        #expect(found == messages)
        #expect(reader.isAtEnd)
        #expect(reader.takenBytes == reader.receivedBytes)
    }

    @Test(
        "MSG-7: only messages that span chunks are put together, and no array is larger than its message",
        arguments: 0..<50 as Range<UInt64>)
    func assembled(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let sizes = (0..<60).map { _ in Int.random(in: 0...3_000, using: &random) }
        let stream = sizes.flatMap { framed(Array(repeating: 1, count: $0)) }
        var bodies: [Range<Int>] = []
        for size in sizes {
            let start = (bodies.last?.upperBound ?? 0) + MessageReader.prefixBytes
            bodies.append(start..<(start + size))
        }
        var reader = MessageReader(limitBytes: 4_000)
        var (cuts, taken): ([Int], [[UInt8]]) = ([0], [])
        while let start = cuts.last, start < stream.count {
            let end = min(stream.count, start + Int.random(in: 1...6_000, using: &random))
            reader.append(Array(stream[start..<end]).span)
            while let message = reader.take() { taken.append(message.bytes) }
            cuts.append(end)
        }
        let spanning = bodies.filter { body in cuts.contains { body.lowerBound < $0 && $0 < body.upperBound } }
        #expect(reader.assembledMessages == spanning.count)
        #expect(taken.map(\.count) == sizes)
        for (body, message) in zip(bodies, taken) where !spanning.contains(body) && body.count >= 1_024 {
            #expect(message.capacity < body.count + 64)
        }
    }

    @Test("MSG-5: an end inside a message or a prefix is INTERNAL")
    func truncated() {
        let stream = framed([1, 2, 3])
        for cut in 1..<stream.count { #expect(read([stream[..<cut]]).1?.code == .internal, "cut at \(cut)") }
    }

    @Test("MSG-3: a message over the limit fails before its bytes arrive, with both numbers")
    func limit() {
        var reader = MessageReader(limitBytes: 4_194_304)
        reader.append([0, 0, 0x40, 0, 0].span)  // exactly the limit
        #expect(reader.failure == nil)
        reader = MessageReader(limitBytes: 4_194_304)
        reader.append([0, 0, 0x40, 0, 1].span)
        #expect(reader.failure?.code == .resourceExhausted)
        #expect(reader.failure?.message == "a message of 4194305 bytes is over the limit of 4194304 bytes")
    }

    @Test("MSG-3: the messages before one that is too large are still there")
    func limitLater() {
        var reader = MessageReader(limitBytes: 10)
        reader.append((framed([1]) + framed(Array(repeating: 0, count: 11))).span)
        #expect(reader.failure == nil)
        #expect(reader.take()?.bytes == [1])
        #expect(reader.take() == nil)
        #expect(reader.failure?.code == .resourceExhausted)
    }

    @Test("MSG-1: any flag but 0 and 1 is INTERNAL", arguments: [2, 3, 128, 255] as [UInt8])
    func flag(_ flag: UInt8) {
        var reader = MessageReader(limitBytes: 10)
        reader.append(framed([1], flag: flag).span)
        #expect(reader.failure?.code == .internal)
    }

    @Test("FC-6: a stream that is never taken dry does not keep what it used")
    func boundedBacklog() {
        var reader = MessageReader(limitBytes: 100)
        let chunk = Array((0..<100).map { _ in framed([1]) }.joined())
        reader.append(chunk.span)
        var taken = 0
        for _ in 0..<2_000 {
            reader.append(chunk.span)
            for _ in 0..<100 where reader.take() != nil { taken += 1 }
        }
        #expect(taken == 200_000)
        #expect(reader.backlogCapacity < 100_000)
    }
}
