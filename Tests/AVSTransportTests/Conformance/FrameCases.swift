import Testing

// RFC 9113, sections 6.1 to 6.4, 6.7, 6.8 and 6.10.

extension H2Case {
    static let frames: [H2Case] = [
        connectionError("http2/6.1/1", "DATA on stream 0", Raw.frame(H2.data, [1]), H2.protocolError),
        H2Case("http2/6.1/2", "DATA on a stream that is not open") { peer in
            try await peer.open([(H2.initialWindowSize, 0)])
            try await peer.send(H2.get(1), Raw.frame(H2.data, flags: H2.endStream, stream: 1, [1]))
            await peer.expectStreamError(1, H2.streamClosed)
        },
        connectionError(
            "http2/6.1/3", "DATA whose padding is longer than it",
            H2.post(1) + Raw.frame(H2.data, flags: H2.endStream | H2.padded, stream: 1, [6, 1, 2, 3, 4]),
            H2.protocolError),
        connectionError(
            "http2/6.2/1", "HEADERS without their end, then PRIORITY",
            H2.get(1, flags: H2.endStream) + Raw.frame(H2.priority, stream: 1, H2.priority(on: 0)), H2.protocolError),
        connectionError(
            "http2/6.2/2", "HEADERS without their end, then another stream's",
            H2.get(1, flags: H2.endStream) + H2.get(3), H2.protocolError),
        connectionError("http2/6.2/3", "HEADERS on stream 0", H2.get(0), H2.protocolError),
        connectionError(
            "http2/6.2/4", "HEADERS whose padding is longer than they are",
            Raw.frame(H2.headers, flags: H2.endStream | H2.endHeaders | H2.padded, stream: 1, [200] + H2.get),
            H2.protocolError),
        connectionError(
            "http2/6.3/1", "PRIORITY on stream 0", Raw.frame(H2.priority, H2.priority(on: 0)), H2.protocolError),
        H2Case("http2/6.3/2", "PRIORITY of other than 5 bytes") { peer in
            try await peer.open()
            try await peer.send(Raw.frame(H2.priority, stream: 1, [0x80, 0, 0, 1]))
            await peer.expectStreamError(1, H2.frameSizeError)
        },
        connectionError("http2/6.4/1", "RST_STREAM on stream 0", Raw.frame(H2.reset, Raw.big(8)), H2.protocolError),
        connectionError(
            "http2/6.4/2", "RST_STREAM on an idle stream", Raw.frame(H2.reset, stream: 1, Raw.big(8)),
            H2.protocolError),
        connectionError(
            "http2/6.4/3", "RST_STREAM of other than 4 bytes", H2.post(1) + Raw.frame(H2.reset, stream: 1, [0, 0, 8]),
            H2.frameSizeError),
        H2Case("http2/6.7/1", "PING is answered with its own payload") { peer in
            try await peer.open()
            try await peer.expectAlive()
        },
        H2Case("http2/6.7/2", "an answer to no PING of ours is ignored") { peer in
            try await peer.open()
            try await peer.send(Raw.frame(H2.ping, flags: H2.ack, [UInt8](repeating: 9, count: 8)))
            try await peer.expectAlive()
        },
        connectionError(
            "http2/6.7/3", "PING on a stream", Raw.frame(H2.ping, stream: 1, [UInt8](repeating: 0, count: 8)),
            H2.protocolError),
        connectionError(
            "http2/6.7/4", "PING of other than 8 bytes", Raw.frame(H2.ping, [0, 0, 0, 0, 0, 0]), H2.frameSizeError),
        connectionError(
            "http2/6.8/1", "GOAWAY on a stream", Raw.frame(H2.goAway, stream: 1, Raw.big(0) + Raw.big(0)),
            H2.protocolError),
        H2Case("http2/6.10/1", "several CONTINUATION frames") { peer in
            try await peer.open()
            try await peer.send(
                H2.get(1, flags: H2.endStream), Raw.frame(H2.continuation, stream: 1, Raw.literal("a", "b")),
                Raw.frame(H2.continuation, flags: H2.endHeaders, stream: 1))
            await peer.expectAnswer(1)
        },
        connectionError(
            "http2/6.10/2", "CONTINUATION followed by another frame",
            H2.get(1, flags: H2.endStream) + Raw.frame(H2.continuation, stream: 1, Raw.literal("a", "b"))
                + Raw.frame(H2.data, flags: H2.endStream, stream: 1, [1]), H2.protocolError),
        connectionError(
            "http2/6.10/3", "CONTINUATION on stream 0",
            H2.get(1, flags: H2.endStream) + Raw.frame(H2.continuation, flags: H2.endHeaders), H2.protocolError),
        connectionError(
            "http2/6.10/4", "CONTINUATION after HEADERS that have ended",
            H2.post(1) + Raw.frame(H2.continuation, flags: H2.endHeaders, stream: 1), H2.protocolError),
        connectionError(
            "http2/6.10/5", "CONTINUATION after a CONTINUATION that has ended",
            Raw.frame(H2.headers, stream: 1, H2.post) + Raw.frame(H2.continuation, flags: H2.endHeaders, stream: 1)
                + Raw.frame(H2.continuation, flags: H2.endHeaders, stream: 1), H2.protocolError),
        connectionError(
            "http2/6.10/6", "CONTINUATION after DATA",
            H2.post(1) + Raw.frame(H2.data, stream: 1, [1])
                + Raw.frame(H2.continuation, flags: H2.endHeaders, stream: 1), H2.protocolError),
    ]

    static func connectionError(_ name: String, _ summary: String, _ bytes: [UInt8], _ code: UInt32) -> H2Case {
        H2Case(name, summary) { peer in
            try await peer.open()
            try await peer.send(bytes)
            await peer.expectConnectionError(code)
        }
    }
}
