import Testing

@testable import AVSRPC

@Suite("A call on the client")
struct ClientCallTests {
    private let compressor = MessageCompressor()
    private let head = responseFields([(":status", "200"), ("content-type", "application/grpc"), ("x", "1")])
    private let ok = responseFields([("grpc-status", "0"), ("y", "2")])

    private func open(_ kind: CallKind) -> ClientCall {
        var call = ClientCall(kind: kind, limitBytes: 1_000)
        call.endOurSide()
        return call
    }

    private func status(_ call: inout ClientCall) -> RPCStatus? {
        while true {
            switch call.nextMessage(compressor) {
            case .message: continue
            case .wait: return nil
            case .end(let status): return status
            }
        }
    }

    @Test("STA-6: headers, messages, then the status, once")
    func order() throws {
        var call = open(.serverStreaming)
        var initial = Metadata()
        try initial.add("x", "1")
        #expect(call.receive(head, endsStream: false) == .headers(initial))
        #expect(call.receive((framed([1]) + framed([2])).span) == .ready)
        #expect(call.receive(ok, endsStream: true) == .ready)
        #expect(call.nextMessage(compressor) == .message([1]))
        #expect(call.nextMessage(compressor) == .message([2]))
        guard case .end(let status) = call.nextMessage(compressor) else { return #expect(Bool(false)) }
        #expect(status.isOK)
        #expect(status.metadata["y"] == "2")
        call.close(RPCStatus(.unavailable))  // MAP-3: nothing after the status counts
        #expect(self.status(&call)?.isOK == true)
    }

    @Test("RSP-2: a status in the first section is the whole answer")
    func trailersOnly() {
        var call = open(.unary)
        let fields = responseFields([
            (":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "5"),
            ("grpc-message", "no%20such"),
            ("k", "v"),
        ])
        #expect(call.receive(fields, endsStream: true) == .ready)
        let status = status(&call)
        #expect(status?.code == .notFound)
        #expect(status?.message == "no such")
        #expect(status?.metadata["k"] == "v")
    }

    @Test("RSP-5: a status while our side is open resets the stream with NO_ERROR")
    func early() {
        var call = ClientCall(kind: .bidirectional, limitBytes: 10)
        #expect(call.receive(head, endsStream: false) != .wait)
        #expect(call.receive(ok, endsStream: true) == .readyAndReset(0))
    }

    @Test("RSP-6: 1xx is skipped; a second section in the middle is INTERNAL")
    func sections() {
        var call = open(.serverStreaming)
        #expect(call.receive(responseFields([(":status", "103")]), endsStream: false) == .wait)
        _ = call.receive(head, endsStream: false)
        #expect(call.receive(head, endsStream: false) == .readyAndReset(1))
        #expect(status(&call)?.code == .internal)
    }

    @Test(
        "MAP-1: an answer that is not gRPC",
        arguments: [
            (502, "text/html", RPCCode.unavailable), (404, "text/plain", .unimplemented), (200, "text/html", .unknown),
            (200, "application/grpc-web", .unknown), (401, "", .unauthenticated),
        ])
    func foreign(httpStatus: Int, type: String, code: RPCCode) {
        var call = open(.unary)
        let fields = responseFields([(":status", "\(httpStatus)"), ("content-type", type)])
        #expect(call.receive(fields, endsStream: false) == .wait)
        #expect(call.receive(Array("<html>bad gateway".utf8).span) == .wait)
        #expect(call.receive(Array(repeating: UInt8(ascii: "x"), count: 5_000).span) == .wait)
        #expect(call.receiveEnd() == .ready)
        let status = status(&call)
        #expect(status?.code == code)
        #expect(status?.message.contains("<html>bad gateway") == true)
        #expect(status?.message.contains("\(httpStatus)") == true)
        #expect((status?.message.utf8.count ?? 0) < 1_300)
    }

    @Test("MAP-1: grpc-status wins over everything")
    func statusWins() {
        var call = open(.unary)
        let fields = responseFields([(":status", "503"), ("content-type", "text/html"), ("grpc-status", "7")])
        _ = call.receive(fields, endsStream: true)
        #expect(status(&call)?.code == .permissionDenied)
    }

    @Test("STA-2: unknown and unreadable numbers are UNKNOWN", arguments: ["17", "99", "-1", "abc", ""])
    func strangeStatus(text: String) {
        var call = open(.unary)
        _ = call.receive(head, endsStream: false)
        _ = call.receive(responseFields([("grpc-status", text)]), endsStream: true)
        #expect(status(&call)?.code == .unknown)
    }

    @Test("an end without a status is UNKNOWN, on DATA as well as in trailers")
    func noStatus() {
        var call = open(.serverStreaming)
        _ = call.receive(head, endsStream: false)
        _ = call.receive(responseFields([("a", "b")]), endsStream: true)
        #expect(status(&call)?.code == .unknown)
        var other = open(.serverStreaming)
        _ = other.receive(head, endsStream: false)
        _ = other.receiveEnd()
        #expect(status(&other)?.code == .unknown)
    }

    @Test(
        "MSG-9: no response or two, where one is promised, is UNIMPLEMENTED",
        arguments: [CallKind.unary, .clientStreaming])
    func cardinality(kind: CallKind) {
        for messages in [[], framed([1]) + framed([2])] {
            var call = open(kind)
            _ = call.receive(head, endsStream: false)
            if !messages.isEmpty { _ = call.receive(messages.span) }
            _ = call.receive(ok, endsStream: true)
            #expect(status(&call)?.code == .unimplemented)
        }
    }

    @Test("MSG-5: an OK status in the middle of a message is INTERNAL; another status stands")
    func truncated() {
        for (number, code) in [("0", RPCCode.internal), ("5", .notFound)] {
            var call = open(.serverStreaming)
            _ = call.receive(head, endsStream: false)
            _ = call.receive([0, 0, 0, 0, 9, 1].span)
            _ = call.receive(responseFields([("grpc-status", number)]), endsStream: true)
            #expect(status(&call)?.code == code)
        }
    }

    @Test("CH-9: a response over the limit ends the call and cancels the stream")
    func limit() {
        var call = open(.unary)
        _ = call.receive(head, endsStream: false)
        #expect(call.receive([0, 0, 0, 4, 0].span) == .readyAndReset(8))
        #expect(status(&call)?.code == .resourceExhausted)
    }

    @Test("CMP-4: an encoding that was not offered is INTERNAL")
    func encoding() {
        var call = open(.unary)
        let fields = responseFields([(":status", "200"), ("content-type", "application/grpc"), ("grpc-encoding", "br")])
        #expect(call.receive(fields, endsStream: false) == .readyAndReset(1))
        #expect(status(&call)?.code == .internal)
    }

    @Test("STA-6: a local end throws pending messages away")
    func localEnd() {
        var call = open(.serverStreaming)
        _ = call.receive(head, endsStream: false)
        _ = call.receive(framed([1]).span)
        call.close(RPCStatus(.deadlineExceeded))
        #expect(call.nextMessage(compressor) == .end(RPCStatus(.deadlineExceeded)))
        #expect(call.receive(framed([1]).span) == .wait)
    }
}
