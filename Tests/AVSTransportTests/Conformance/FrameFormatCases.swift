import Testing

// RFC 9113, sections 3.4 (3.5 of its forerunner, whose numbers the list of 26.3 has), 4 and 5.4 to 5.5.

extension H2Case {
    static let frameFormat: [H2Case] = [
        H2Case("http2/3.5/1", "the server's preface is SETTINGS, first of all") { peer in
            try await peer.open()
            try await peer.expectAlive()
            try await peer.send(Raw.goAway(last: 0))
            let first = await peer.framesUntilClose().first
            #expect(first?.type == H2.settings && first?.flags == 0 && first?.stream == 0)
        },
        H2Case("http2/3.5/2", "a wrong preface ends the connection") { peer in
            try await peer.send(Array("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".utf8), Raw.frame(H2.settings))
            #expect(await peer.framesUntilClose().allSatisfy { $0.type != H2.ping })
        },
        H2Case("http2/3.5/3", "a preface without SETTINGS behind it ends the connection") { peer in
            try await peer.send(Raw.magic, H2.get(1))
            await peer.expectConnectionError(H2.protocolError)
        },
        H2Case("http2/4.1/1", "a frame of an unknown type is ignored") { peer in
            try await peer.open()
            try await peer.send(Raw.frame(0x16, [UInt8](repeating: 0, count: 8)))
            try await peer.expectAlive()
        },
        H2Case("http2/4.1/2", "flags that mean nothing are ignored") { peer in
            try await peer.open()
            try await peer.send(Raw.frame(H2.ping, flags: 0x16, [UInt8](repeating: 7, count: 8)))
            try await peer.expectAlive()
        },
        H2Case("http2/4.1/3", "the reserved bit in front of the stream is ignored") { peer in
            try await peer.open()
            try await peer.send(Raw.frame(H2.ping, stream: 0x8000_0000, [UInt8](repeating: 7, count: 8)))
            try await peer.expectAlive()
        },
        H2Case("http2/4.2/1", "a DATA frame of 2^14 bytes") { peer in
            try await peer.open()
            try await peer.send(
                H2.post(1), Raw.frame(H2.data, flags: H2.endStream, stream: 1, [UInt8](repeating: 0, count: 16_384)))
            await peer.expectAnswer(1)
        },
        H2Case("http2/4.2/2", "a DATA frame of one byte more") { peer in
            try await peer.open()
            try await peer.send(
                H2.post(1), Raw.frame(H2.data, flags: H2.endStream, stream: 1, [UInt8](repeating: 0, count: 16_385)))
            await peer.expectConnectionError(H2.frameSizeError)
        },
        H2Case("http2/4.2/3", "a HEADERS frame of more than 2^14 bytes") { peer in
            try await peer.open()
            let padding = (0..<200).flatMap { _ in Raw.literal("a", String(repeating: "b", count: 100)) }
            try await peer.send(H2.get(1, with: padding))
            await peer.expectConnectionError(H2.frameSizeError)
        },
        H2Case("http2/4.3/1", "a header section that cannot be decoded") { peer in
            try await peer.open()
            try await peer.send(Raw.frame(H2.headers, flags: 0x5, stream: 1, [0x40, 0x05, 0x61]))
            await peer.expectConnectionError(H2.compressionError)
        },
        H2Case("http2/4.3/2", "PRIORITY in the middle of a header section") { peer in
            try await peer.open()
            try await peer.send(
                H2.get(1, flags: H2.endStream), Raw.frame(H2.priority, stream: 1, H2.priority(on: 0)),
                Raw.frame(H2.continuation, flags: H2.endHeaders, stream: 1, Raw.literal("a", "b")))
            await peer.expectConnectionError(H2.protocolError)
        },
        H2Case("http2/4.3/3", "another stream's HEADERS in the middle of a header section") { peer in
            try await peer.open()
            try await peer.send(H2.get(1, flags: H2.endStream), H2.get(3))
            await peer.expectConnectionError(H2.protocolError)
        },
        H2Case("http2/5.4.1/1", "an invalid frame ends the connection, not the stream only") { peer in
            try await peer.open()
            try await peer.send(Raw.frame(H2.ping, [0]), H2.get(1))
            #expect(await peer.framesUntilClose().allSatisfy { $0.stream == 0 })
        },
        H2Case("http2/5.4.1/2", "the end of the connection is announced by GOAWAY, whose last stream is right") {
            peer in
            try await peer.open()
            try await peer.send(H2.get(1))
            await peer.expectAnswer(1)
            try await peer.send(Raw.frame(H2.ping, [0]))
            let goAway = await peer.framesUntilClose().last
            #expect(goAway?.type == H2.goAway && H2.number(goAway?.payload ?? []) == 1)
        },
        H2Case("http2/5.5/1", "a frame of an extension is ignored") { peer in
            try await peer.open()
            try await peer.send(Raw.frame(0xfe, flags: 0xff, stream: 7, [1]), H2.get(1))
            await peer.expectAnswer(1)
        },
        H2Case("http2/5.5/2", "a frame of an extension in the middle of a header section") { peer in
            try await peer.open()
            try await peer.send(
                H2.get(1, flags: H2.endStream), Raw.frame(0xfe, stream: 1, [1]),
                Raw.frame(H2.continuation, flags: H2.endHeaders, stream: 1, Raw.literal("a", "b")))
            await peer.expectConnectionError(H2.protocolError)
        },
    ]
}
