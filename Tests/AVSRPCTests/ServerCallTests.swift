import Testing

@testable import AVSRPC

@Suite("A call on the server")
struct ServerCallTests {
    private let compressor = MessageCompressor()

    private func call(_ kind: CallKind, encoding: MessageEncoding = .identity) -> ServerCall {
        ServerCall(kind: kind, limitBytes: 1_000, requestEncoding: encoding)
    }

    private enum Input {
        case data([UInt8])
        case end
    }

    /// What the steps say, then everything a handler would read.
    private func run(_ kind: CallKind, _ inputs: [Input]) -> (fail: RPCCode?, messages: [[UInt8]], ended: Bool) {
        var call = call(kind)
        for input in inputs {
            let step =
                switch input {
                case .data(let bytes): call.receive(bytes.span)
                case .end: call.receiveEnd()
                }
            if case .fail(let status) = step { return (status.code, [], false) }
        }
        var messages: [[UInt8]] = []
        while true {
            switch call.nextMessage(compressor) {
            case .message(let message): messages.append(message)
            case .end: return (nil, messages, true)
            case .wait: return (nil, messages, false)
            case .fail(let status): return (status.code, messages, false)
            }
        }
    }

    @Test("MSG-9: one request where one is taken", arguments: [CallKind.unary, .serverStreaming])
    func single(kind: CallKind) {
        #expect(run(kind, [.data(framed([1])), .end]) == (nil, [[1]], true))
        #expect(run(kind, [.data(framed([1]))]) == (nil, [[1]], false))
        #expect(run(kind, [.end]).fail == .unimplemented)
        #expect(run(kind, [.data([]), .end]).fail == .unimplemented)
        #expect(run(kind, [.data(framed([1]) + framed([2]))]).fail == .unimplemented)
        #expect(run(kind, [.data(framed([1])), .data([0])]).fail == .unimplemented)
        #expect(run(kind, [.data([0, 0, 0]), .end]).fail == .internal)
        #expect(run(kind, [.data([9])]).fail == nil)  // a prefix is judged when it is whole
        #expect(run(kind, [.data([9, 0, 0, 0, 0])]).fail == .internal)
        #expect(run(kind, [.data([0, 0, 0, 4, 0])]).fail == .resourceExhausted)
    }

    @Test("MSG-9: any number where a stream is taken", arguments: [CallKind.clientStreaming, .bidirectional])
    func stream(kind: CallKind) {
        #expect(run(kind, [.end]) == (nil, [], true))
        #expect(run(kind, []) == (nil, [], false))
        #expect(run(kind, [.data(framed([1]) + framed([]) + framed([2])), .end]) == (nil, [[1], [], [2]], true))
        #expect(run(kind, [.data(framed([1]) + [0, 0]), .end]) == (.internal, [[1]], false))
        #expect(run(kind, [.data(framed([1]) + [7, 0, 0, 0, 0])]) == (.internal, [[1]], false))
    }

    @Test("ATT-1: a single request starts its handler when it is complete, a large one once it is asked who sends it")
    func start() {
        for kind in [CallKind.unary, .serverStreaming] {
            var call = ServerCall(kind: kind, limitBytes: 1 << 20)
            #expect(!call.mayStart)
            #expect(call.receive(framed([1]).span) == .ready)
            #expect(!call.mayStart)
            #expect(call.receiveEnd() == .ready)
            #expect(call.mayStart)
            for (window, early) in [(262_144, 65_536), (65_535, 32_767)] {
                var large = ServerCall(kind: kind, limitBytes: 1 << 20, windowBytes: window)
                #expect(large.receive(([0, 0, 15, 0, 0] + Array(repeating: 0, count: early - 6)).span) == .wait)
                #expect(!large.mayStart)
                #expect(large.receive([0].span) == .wait)
                #expect(large.mayStart)
            }
        }
        #expect(call(.bidirectional).mayStart)
    }

    @Test("CMP-3: a compressed message without an encoding is INTERNAL, a plain one with an encoding is fine")
    func compression() throws {
        var plain = call(.unary)
        _ = plain.receive(framed([1], flag: 1).span)
        guard case .fail(let status) = plain.nextMessage(compressor) else { return #expect(Bool(false)) }
        #expect(status.code == .internal)
        let message = Array(repeating: UInt8(3), count: 1_000 + 24)
        let small = try #require(compressor.compressIfWorthwhile(message, .gzip))
        var compressed = ServerCall(kind: .bidirectional, limitBytes: 1_024, requestEncoding: .gzip)
        _ = compressed.receive((framed(small, flag: 1) + framed([5])).span)
        #expect(compressed.nextMessage(compressor) == .message(message))
        #expect(compressed.nextMessage(compressor) == .message([5]))
        var tight = ServerCall(kind: .unary, limitBytes: 1_023, requestEncoding: .gzip)
        _ = tight.receive(framed(small, flag: 1).span)
        guard case .fail(let tooLarge) = tight.nextMessage(compressor) else { return #expect(Bool(false)) }
        #expect(tooLarge.code == .resourceExhausted)
    }

    @Test("FC-3: bytes are credited when taken, and of an incomplete message while someone waits for it")
    func credit() {
        var call = call(.bidirectional)
        _ = call.receive((framed([1, 2]) + framed([3]) + [0, 0, 0]).span)
        #expect(call.takeCredit(handlerIsWaiting: false) == 0)
        #expect(call.takeCredit(handlerIsWaiting: true) == 0)  // it need not wait
        #expect(call.nextMessage(compressor) == .message([1, 2]))
        #expect(call.takeCredit(handlerIsWaiting: false) == 7)
        #expect(call.nextMessage(compressor) == .message([3]))
        #expect(call.takeCredit(handlerIsWaiting: true) == 9)
        #expect(call.takeCredit(handlerIsWaiting: true) == 0)
        _ = call.receive([0, 1, 9].span)
        #expect(call.nextMessage(compressor) == .message([9]))
        #expect(call.takeCredit(handlerIsWaiting: false) == 3)  // never twice
    }

    @Test("RSP-2: a call that ends before a message is trailers-only, and ends once")
    func ends() {
        var idle = call(.unary)
        #expect(idle.end() == .trailersOnly)
        #expect(idle.end() == .ignored)
        #expect(idle.write([1], compress: false, compressor) == nil)
        var answered = call(.unary)
        #expect(answered.write([1], compress: false, compressor)?.needsHeaders == true)
        #expect(answered.write([1], compress: false, compressor)?.needsHeaders == false)
        let sends = answered.sendHeaders()
        #expect(!sends)
        #expect(answered.end() == .trailers)
        var early = call(.serverStreaming)
        let sendsEarly = early.sendHeaders()
        #expect(sendsEarly)
        #expect(early.end() == .trailers)
    }

    @Test("CAN-3: after its end a call takes anything and does nothing")
    func afterTheEnd() {
        var call = call(.bidirectional)
        _ = call.end()
        #expect(call.receive(framed([1]).span) == .wait)
        #expect(call.receiveEnd() == .wait)
        #expect(call.nextMessage(compressor) == .end)
        #expect(call.takeCredit(handlerIsWaiting: true) == 0)
    }

    @Test("CMP-7: an answer is compressed if it is worth it and wanted")
    func compressedAnswer() {
        var call = ServerCall(kind: .serverStreaming, limitBytes: 10, responseEncoding: .gzip)
        let large = Array(repeating: UInt8(1), count: 5_000)
        #expect(call.write(large, compress: true, compressor)?.message.isCompressed == true)
        #expect(call.write(large, compress: false, compressor)?.message.isCompressed == false)
        #expect(call.write([1], compress: true, compressor)?.message.isCompressed == false)
    }
}
