import Testing

@testable import AVSRPC

@Suite("A request's headers")
struct RequestHeadTests {
    private enum Answer: Hashable {
        case accept
        case refuse(RPCCode)
        case http(Int)
    }

    private func answer(_ change: [(String, String?)]) -> Answer {
        var fields = goodHead
        for (name, value) in change {
            fields.removeAll { $0.0 == name }
            if let value { fields.append((name, value)) }
        }
        switch requestHead(fields).verdict {
        case .accept: return .accept
        case .refuse(let status), .refuseMalformed(let status): return .refuse(status.code)
        case .http(let status, _): return .http(status)
        }
    }

    @Test("HDR-1: only POST")
    func method() {
        #expect(answer([]) == .accept)
        for method in ["GET", "PUT", "post", "OPTIONS"] { #expect(answer([(":method", method)]) == .http(405)) }
    }

    @Test(
        "HDR-2, HDR-3: application/grpc, with a subtype or parameters, in any case",
        arguments: [
            ("application/grpc", nil), ("application/grpc+proto", nil), ("Application/GRPC", nil),
            ("application/grpc;charset=utf-8", nil), ("application/grpc+proto;x=y", nil),
            ("application/grpc+json", .unimplemented),
            ("application/grpc+protobuf", .unimplemented), ("application/grpc-web", .notFound),
            ("application/grpc-web+proto", .notFound), ("application/grpcfoo", .notFound),
            ("application/json", .notFound),
            ("", .notFound), ("application/grp", .notFound),
        ] as [(String, RPCCode?)])
    func contentType(_ type: String, _ code: RPCCode?) {
        let expected: Answer = code == .notFound ? .http(415) : code.map { .refuse($0) } ?? .accept
        #expect(answer([("content-type", type)]) == expected)
        #expect(answer([("content-type", nil)]) == .http(415))
    }

    @Test("HDR-4: te is not asked for, unless the server is strict")
    func trailers() {
        #expect(answer([("te", nil)]) == .accept)
        var strict = RequestHead(methods: MethodTable([echoMethod]), requiresTrailers: true)
        for (name, value) in goodHead where name != "te" {
            strict.receive(name: name.utf8Span.span, value: value.utf8Span.span)
        }
        guard case .refuse = strict.verdict else { return #expect(Bool(false), "accepted") }
    }

    @Test(
        "HDR-5: three ways to be unimplemented",
        arguments: [
            ("/pkg.Service/Nope", "unknown method 'Nope' of service 'pkg.Service'"),
            ("/pkg.Other/Echo", "unknown service 'pkg.Other'"), ("pkg.Service/Echo", "malformed path"),
            ("/Echo", "malformed path"), ("/", "malformed path"), ("", "malformed path"), ("*", "malformed path"),
            ("//Echo", "malformed path"), ("/pkg.Service/", "malformed path"), ("/pkg.Service/echo", "unknown method"),
            ("/pkg.Service/Echo/", "malformed path"), ("/a/pkg.Service/Echo", "unknown service 'a/pkg.Service'"),
        ])
    func path(_ path: String, _ text: String) {
        let head = requestHead(goodHead.map { $0.0 == ":path" ? ($0.0, path) : $0 })
        guard case .refuse(let status) = head.verdict else { return #expect(Bool(false), "accepted") }
        #expect(status.code == .unimplemented)
        #expect(status.message.hasPrefix(text), "\(status.message)")
    }

    @Test("HDR-6: a malformed timeout is INTERNAL")
    func timeout() {
        #expect(answer([("grpc-timeout", "1 S")]) == .refuse(.internal))
        #expect(requestHead(goodHead + [("grpc-timeout", "5S")]).timeout == .after(.seconds(5)))
    }

    @Test("CMP-2: an unknown encoding is UNIMPLEMENTED; CMP-9: the accepted ones are read leniently")
    func encoding() {
        #expect(answer([("grpc-encoding", "br")]) == .refuse(.unimplemented))
        #expect(requestHead(goodHead + [("grpc-encoding", "gzip")]).encoding == .gzip)
        let head = requestHead(
            goodHead + [("grpc-accept-encoding", " gzip , br,,gzip"), ("grpc-accept-encoding", "deflate")])
        #expect(head.acceptedEncodings == [.gzip, .deflate])
    }

    @Test("HDR-8: :authority wins over host, host is no metadata, two hosts are refused")
    func authority() {
        #expect(requestHead(goodHead + [("host", "other")]).authority == "localhost:1")
        let onlyHost = requestHead(goodHead.filter { $0.0 != ":authority" } + [("host", "other")])
        #expect(onlyHost.authority == "other")
        #expect(onlyHost.metadata.isEmpty)
        #expect(answer([(":authority", nil), ("host", "a"), ("HOST", nil)]) == .accept)
        let two = requestHead(goodHead + [("host", "a"), ("host", "b")])
        guard case .refuseMalformed(let status) = two.verdict else { return #expect(Bool(false), "accepted") }
        #expect(status.code == .internal)
    }

    @Test("HDR-9, HDR-10, HDR-14: handlers see what is theirs")
    func metadata() {
        let head = requestHead(
            goodHead + [
                ("user-agent", "x/1"), ("grpc-trace-bin", "AQI"), ("grpc-message-type", "T"), ("grpc-foo", "1"),
                ("cookie", "a=b"), ("cookie", "c=d"), ("x", "1"), ("x", "2"), ("grpc-timeout", "1S"),
                ("content-length", "5"),
            ])
        #expect(head.metadata["user-agent"] == "x/1")
        #expect(head.metadata.bytes("grpc-trace-bin") == [[1, 2]])
        #expect(head.metadata.values("x") == ["1", "2"])
        #expect(head.metadata["cookie"] == "a=b; c=d")
        #expect(head.metadata.count == 5)
    }

    @Test("MD-2: -bin values come with and without padding, several in one field, and undecodable ones are INTERNAL")
    func binary() {
        let head = requestHead(goodHead + [("a-bin", "AQ==,AQI"), ("a-bin", "AQID"), ("a-bin", "")])
        #expect(head.metadata.bytes("a-bin") == [[1], [1, 2], [1, 2, 3], []])
        #expect(answer([("a-bin", "A")]) == .refuse(.internal))
        #expect(answer([("a-bin", "A*==")]) == .refuse(.internal))
    }

    @Test("LIM-1: a section over the limit is RESOURCE_EXHAUSTED, and 431 where gRPC is not spoken")
    func oversized() {
        var head = requestHead(goodHead)
        head.markOversized(limitBytes: 16_384, fieldLimit: 128)
        guard case .refuse(let status) = head.verdict else { return #expect(Bool(false), "accepted") }
        #expect(status.code == .resourceExhausted && status.message.contains("16384 bytes and 128 fields"))
        #expect(status.metadata["grpc-retry-pushback-ms"] == "-1")
        var foreign = requestHead([])
        foreign.markOversized(limitBytes: 16_384, fieldLimit: 128)
        guard case .http(431, _) = foreign.verdict else { return #expect(Bool(false), "accepted") }
    }
}
