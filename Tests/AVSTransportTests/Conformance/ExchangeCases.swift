import Testing

// RFC 9113, sections 7 and 8.

extension H2Case {
    static let exchanges: [H2Case] = [
        H2Case("http2/7/1", "GOAWAY with an unknown code ends the connection as any other") { peer in
            try await peer.open()
            try await peer.send(Raw.goAway(last: 0, code: 0xff))
            #expect(await peer.framesUntilClose().allSatisfy { $0.goAway.map { $0.code == 0 } ?? true })
        },
        H2Case("http2/7/2", "RST_STREAM with an unknown code") { peer in
            try await peer.open()
            try await peer.send(H2.post(1), Raw.frame(H2.reset, stream: 1, Raw.big(0xff)))
            try await peer.expectAlive()
        },
        H2Case("http2/8.1/1", "a second HEADERS frame that does not end the stream") { peer in
            try await peer.open()
            try await peer.send(
                Raw.request("Echo", stream: 1),
                Raw.frame(H2.headers, flags: H2.endHeaders, stream: 1, Raw.literal("a", "b")))
            await peer.expectStreamError(1, H2.protocolError)
        },
        malformed("http2/8.1.2/1", "a name in upper case", H2.get + Raw.literal("X-TEST", "ok")),
        malformed("http2/8.1.2.1/1", "an unknown pseudo-header", H2.get + Raw.literal(":test", "ok")),
        malformed("http2/8.1.2.1/2", "a pseudo-header of responses", H2.get + Raw.literal(":status", "200")),
        H2Case("http2/8.1.2.1/3", "a pseudo-header in trailers") { peer in
            try await peer.open()
            try await peer.send(
                Raw.request("Echo", stream: 1),
                Raw.frame(H2.headers, flags: H2.endStream | H2.endHeaders, stream: 1, Raw.literal(":method", "POST")))
            await peer.expectStreamError(1, H2.protocolError)
        },
        malformed(
            "http2/8.1.2.1/4", "a pseudo-header after a field", [0x82, 0x86] + Raw.literal("a", "b") + [0x84]),
        malformed("http2/8.1.2.2/1", "connection", H2.get + Raw.literal("connection", "keep-alive")),
        malformed("http2/8.1.2.2/2", "te other than trailers", H2.get + Raw.literal("te", "trailers, deflate")),
        malformed("http2/8.1.2.2/3", "transfer-encoding", H2.get + Raw.literal("transfer-encoding", "chunked")),
        malformed(
            "http2/8.1.2.3/1", "an empty :path",
            [0x82, 0x86] + Raw.literal(":path", "") + Raw.literal(":authority", "x")),
        malformed("http2/8.1.2.3/2", "no :method", [0x86, 0x84, 0x01, 0x01, 0x78]),
        malformed("http2/8.1.2.3/3", "no :scheme", [0x82, 0x84, 0x01, 0x01, 0x78]),
        malformed("http2/8.1.2.3/4", "no :path", [0x82, 0x86, 0x01, 0x01, 0x78]),
        malformed("http2/8.1.2.3/5", "two :method", [0x82] + H2.get),
        malformed("http2/8.1.2.3/6", "two :scheme", [0x86] + H2.get),
        malformed("http2/8.1.2.3/7", "two :path", [0x84] + H2.get),
        H2Case("http2/8.1.2.6/1", "content-length other than the one DATA frame's (HDR-13)") { peer in
            try await peer.open()
            try await peer.send(
                Raw.request("Echo", stream: 1, with: [("content-length", "1")]),
                Raw.message([1, 2], stream: 1, flags: H2.endStream))
            await peer.expectStreamError(1, H2.protocolError)
        },
        H2Case("http2/8.1.2.6/2", "content-length other than the sum of the DATA frames") { peer in
            try await peer.open()
            try await peer.send(
                Raw.request("Echo", stream: 1, with: [("content-length", "8")]),
                Raw.frame(H2.data, stream: 1, [0, 0, 0, 0]),
                Raw.frame(H2.data, flags: H2.endStream, stream: 1, [2, 1, 1]))
            await peer.expectStreamError(1, H2.protocolError)
        },
        connectionError(
            "http2/8.2/1", "PUSH_PROMISE of a client",
            H2.post(1) + Raw.frame(H2.pushPromise, flags: H2.endHeaders, stream: 1, Raw.big(3) + H2.get),
            H2.protocolError),
    ]

    private static func malformed(_ name: String, _ summary: String, _ block: [UInt8]) -> H2Case {
        H2Case(name, summary) { peer in
            try await peer.open()
            try await peer.send(Raw.frame(H2.headers, flags: H2.endStream | H2.endHeaders, stream: 1, block))
            await peer.expectStreamError(1, H2.protocolError)
        }
    }

    // RFC 7541. Index 70 is past the static table while the dynamic one is empty.
    static let hpack: [H2Case] = [
        compressionError("hpack/2.3.3/1", "an index past both tables", H2.get + [0xc6]),
        compressionError(
            "hpack/2.3.3/2", "a literal whose name's index is past both tables", H2.get + [0x7f, 0x07, 0x01, 0x61]),
        compressionError("hpack/4.2/1", "a table size update behind a field", H2.get + [0x20]),
        compressionError(
            "hpack/5.2/1", "Huffman code with more than 7 bits of padding",
            H2.get + [0x00, 0x82, 0x1f, 0xff, 0x01, 0x61]),
        compressionError("hpack/5.2/2", "Huffman code padded with zeros", H2.get + [0x00, 0x81, 0x18, 0x01, 0x61]),
        compressionError(
            "hpack/5.2/3", "Huffman code with the end-of-string symbol",
            H2.get + [0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x01, 0x61]),
        compressionError("hpack/6.1/1", "index 0", H2.get + [0x80]),
        compressionError("hpack/6.3/1", "a table larger than SETTINGS allow", [0x3f, 0xe2, 0x1f] + H2.get),
    ]

    private static func compressionError(_ name: String, _ summary: String, _ block: [UInt8]) -> H2Case {
        connectionError(
            name, summary, Raw.frame(H2.headers, flags: H2.endStream | H2.endHeaders, stream: 1, block),
            H2.compressionError)
    }
}
