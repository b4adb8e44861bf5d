import Testing

// RFC 9113, sections 5.1 to 5.3.

extension H2Case {
    private static let someData = Raw.frame(H2.data, flags: H2.endStream, stream: 1, [1])
    private static let someContinuation = Raw.frame(
        H2.continuation, flags: H2.endHeaders, stream: 1, Raw.literal("a", "b"))

    static let streamStates: [H2Case] = [
        idle("http2/5.1/1", "DATA", someData),
        idle("http2/5.1/2", "RST_STREAM", Raw.frame(H2.reset, stream: 1, Raw.big(8))),
        idle("http2/5.1/3", "WINDOW_UPDATE", H2.windowUpdate(1, 100)),
        idle("http2/5.1/4", "CONTINUATION", someContinuation),
        halfClosed("http2/5.1/5", "DATA", someData, H2.streamClosed),
        halfClosed("http2/5.1/6", "HEADERS", H2.get(1), H2.streamClosed),
        halfClosed("http2/5.1/7", "CONTINUATION", someContinuation, H2.streamClosed, H2.protocolError),
        wasReset("http2/5.1/8", "DATA", someData, H2.streamClosed),
        wasReset("http2/5.1/9", "HEADERS", H2.get(1), H2.streamClosed),
        wasReset("http2/5.1/10", "CONTINUATION", someContinuation, H2.streamClosed, H2.protocolError),
        wasAnswered("http2/5.1/11", "DATA", someData, H2.streamClosed),
        wasAnswered("http2/5.1/12", "HEADERS", H2.get(1), H2.streamClosed),
        wasAnswered("http2/5.1/13", "CONTINUATION", someContinuation, H2.streamClosed, H2.protocolError),
        H2Case("http2/5.1.1/1", "an even stream number of a client") { peer in
            try await peer.open()
            try await peer.send(H2.get(2))
            await peer.expectConnectionError(H2.protocolError)
        },
        H2Case("http2/5.1.1/2", "a stream number below an earlier one") { peer in
            try await peer.open()
            try await peer.send(H2.get(5))
            await peer.expectAnswer(5)
            try await peer.send(H2.get(3), Raw.frame(H2.ping, [UInt8](repeating: 3, count: 8)), Raw.goAway(last: 0))
            await peer.expectConnectionError(H2.protocolError)
        },
        H2Case("http2/5.1.2/1", "more streams than were allowed") { peer in
            try await peer.open([(H2.initialWindowSize, 0)])
            for number in 0..<101 as Range<UInt32> { try await peer.send(H2.get(number * 2 + 1)) }
            await peer.expectStreamError(201, H2.protocolError, H2.refusedStream)
        },
        H2Case("http2/5.3.1/1", "HEADERS that depend on themselves") { peer in
            try await peer.open()
            let flags = H2.endStream | H2.endHeaders | H2.hasPriority
            try await peer.send(Raw.frame(H2.headers, flags: flags, stream: 1, H2.priority(on: 1) + H2.get))
            await peer.expectStreamError(1, H2.protocolError)
        },
        H2Case("http2/5.3.1/2", "PRIORITY that depends on itself") { peer in
            try await peer.open()
            try await peer.send(Raw.frame(H2.priority, stream: 1, H2.priority(on: 1)))
            await peer.expectStreamError(1, H2.protocolError)
        },
    ]

    private static func idle(_ name: String, _ what: String, _ frame: [UInt8]) -> H2Case {
        H2Case(name, "\(what) on an idle stream") { peer in
            try await peer.open()
            try await peer.send(frame)
            await peer.expectConnectionError(H2.protocolError)
        }
    }

    /// The answer waits for its window, so the stream stays half-closed.
    private static func halfClosed(_ name: String, _ what: String, _ frame: [UInt8], _ codes: UInt32...) -> H2Case {
        H2Case(name, "\(what) on a half-closed (remote) stream") { peer in
            try await peer.open([(H2.initialWindowSize, 0)])
            try await peer.send(H2.get(1), frame)
            await expect(peer, codes)
        }
    }

    private static func wasReset(_ name: String, _ what: String, _ frame: [UInt8], _ codes: UInt32...) -> H2Case {
        H2Case(name, "\(what) after RST_STREAM") { peer in
            try await peer.open([(H2.initialWindowSize, 0)])
            try await peer.send(H2.get(1), Raw.frame(H2.reset, stream: 1, Raw.big(8)), frame)
            await expect(peer, codes)
        }
    }

    private static func wasAnswered(_ name: String, _ what: String, _ frame: [UInt8], _ codes: UInt32...) -> H2Case {
        H2Case(name, "\(what) on a stream that both sides have ended") { peer in
            try await peer.open()
            try await peer.send(H2.get(1))
            await peer.expectAnswer(1)
            try await peer.send(frame)
            await expect(peer, codes)
        }
    }

    private static func expect(_ peer: H2Client, _ codes: [UInt32]) async {
        await peer.expectStreamError(1, codes[0], codes.count > 1 ? codes[1] : codes[0])
    }
}
