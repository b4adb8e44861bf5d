import Testing

// What any client does, in its simplest form and in the less usual ones that are as legal.

extension H2Case {
    static let generic: [H2Case] = [
        H2Case("generic/1/1", "the connection preface is answered with SETTINGS") { peer in
            try await peer.open()
            await peer.expectSettingsAcknowledged(1)
        },
        H2Case("generic/2/1", "PRIORITY on an idle stream") { peer in
            try await peer.open()
            try await peer.send(Raw.frame(H2.priority, stream: 1, H2.priority(on: 0)), H2.get(1))
            await peer.expectAnswer(1)
        },
        H2Case("generic/2/2", "WINDOW_UPDATE on a half-closed (remote) stream") { peer in
            try await peer.open([(H2.initialWindowSize, 0)])
            try await peer.send(H2.get(1))
            await peer.expectHeaders(1)
            try await peer.send(H2.windowUpdate(1, 100))
            await peer.expectAnswer(1)
        },
        H2Case("generic/2/3", "PRIORITY on a half-closed (remote) stream") { peer in
            try await peer.open([(H2.initialWindowSize, 0)])
            try await peer.send(H2.get(1), Raw.frame(H2.priority, stream: 1, H2.priority(on: 0, weight: 255)))
            try await peer.send(H2.windowUpdate(1, 100))
            await peer.expectAnswer(1)
        },
        H2Case("generic/2/4", "RST_STREAM on a half-closed (remote) stream") { peer in
            try await peer.open([(H2.initialWindowSize, 0)])
            try await peer.send(H2.get(1), Raw.frame(H2.reset, stream: 1, Raw.big(8)))
            try await peer.expectAlive()
        },
        H2Case("generic/2/5", "PRIORITY on a closed stream") { peer in
            try await peer.open()
            try await peer.send(H2.get(1))
            await peer.expectAnswer(1)
            try await peer.send(Raw.frame(H2.priority, stream: 1, H2.priority(on: 0)))
            try await peer.expectAlive()
        },
        H2Case("generic/3.1/1", "a DATA frame") { peer in
            try await peer.open()
            try await peer.send(H2.post(1), Raw.frame(H2.data, flags: H2.endStream, stream: 1, [1]))
            await peer.expectAnswer(1)
        },
        H2Case("generic/3.1/2", "several DATA frames") { peer in
            try await peer.open()
            try await peer.send(
                H2.post(1), Raw.frame(H2.data, stream: 1, [1]),
                Raw.frame(H2.data, flags: H2.endStream, stream: 1, [2]))
            await peer.expectAnswer(1)
        },
        H2Case("generic/3.1/3", "a DATA frame with padding") { peer in
            try await peer.open()
            let payload: [UInt8] = [5, 1, 0, 0, 0, 0, 0]
            try await peer.send(
                H2.post(1), Raw.frame(H2.data, flags: H2.endStream | H2.padded, stream: 1, payload))
            await peer.expectAnswer(1)
        },
        H2Case("generic/3.2/1", "a HEADERS frame") { peer in
            try await peer.open()
            try await peer.send(H2.get(1))
            await peer.expectAnswer(1)
        },
        H2Case("generic/3.2/2", "a HEADERS frame with padding") { peer in
            try await peer.open()
            let flags = H2.endStream | H2.endHeaders | H2.padded
            try await peer.send(Raw.frame(H2.headers, flags: flags, stream: 1, [3] + H2.get + [0, 0, 0]))
            await peer.expectAnswer(1)
        },
        H2Case("generic/3.2/3", "a HEADERS frame with priority") { peer in
            try await peer.open()
            let flags = H2.endStream | H2.endHeaders | H2.hasPriority
            try await peer.send(Raw.frame(H2.headers, flags: flags, stream: 1, H2.priority(on: 0) + H2.get))
            await peer.expectAnswer(1)
        },
        priority("generic/3.3/1", "PRIORITY with weight 1", H2.priority(on: 0, weight: 0)),
        priority("generic/3.3/2", "PRIORITY with weight 256", H2.priority(on: 0, weight: 255)),
        priority("generic/3.3/3", "PRIORITY with a dependency", H2.priority(on: 3)),
        priority("generic/3.3/4", "PRIORITY with the exclusive flag", H2.priority(on: 3, isExclusive: true)),
        H2Case("generic/3.3/5", "PRIORITY for an idle stream, then HEADERS of a lower one") { peer in
            try await peer.open()
            try await peer.send(Raw.frame(H2.priority, stream: 5, H2.priority(on: 0)), H2.get(3))
            await peer.expectAnswer(3)
        },
        H2Case("generic/3.4/1", "RST_STREAM") { peer in
            try await peer.open()
            try await peer.send(H2.post(1), Raw.frame(H2.reset, stream: 1, Raw.big(8)))
            try await peer.expectAlive()
        },
        H2Case("generic/3.5/1", "SETTINGS are acknowledged") { peer in
            try await peer.open()
            try await peer.send(Raw.frame(H2.settings))
            await peer.expectSettingsAcknowledged(2)
        },
        H2Case("generic/3.7/1", "PING is answered") { peer in
            try await peer.open()
            try await peer.expectAlive()
        },
        H2Case("generic/3.8/1", "GOAWAY of a client without calls ends the connection (DR-4)") { peer in
            try await peer.open()
            try await peer.send(Raw.goAway(last: 0))
            #expect(await peer.framesUntilClose().allSatisfy { $0.goAway.map { $0.code == 0 } ?? true })
        },
        H2Case("generic/3.9/1", "WINDOW_UPDATE of the connection") { peer in
            try await peer.open()
            try await peer.send(H2.windowUpdate(0, 1), H2.get(1))
            await peer.expectAnswer(1)
        },
        H2Case("generic/3.9/2", "WINDOW_UPDATE of a stream") { peer in
            try await peer.open()
            try await peer.send(H2.get(1, flags: H2.endHeaders), H2.windowUpdate(1, 1))
            await peer.expectHeaders(1)
        },
        H2Case("generic/3.10/1", "one CONTINUATION frame") { peer in
            try await peer.open()
            try await peer.send(
                H2.get(1, flags: H2.endStream),
                Raw.frame(H2.continuation, flags: H2.endHeaders, stream: 1, Raw.literal("a", "b")))
            await peer.expectAnswer(1)
        },
        H2Case("generic/3.10/2", "several CONTINUATION frames") { peer in
            try await peer.open()
            try await peer.send(
                H2.get(1, flags: H2.endStream), Raw.frame(H2.continuation, stream: 1, Raw.literal("a", "b")),
                Raw.frame(H2.continuation, flags: H2.endHeaders, stream: 1, Raw.literal("c", "d")))
            await peer.expectAnswer(1)
        },
        H2Case("generic/4/1", "GET") { peer in
            try await peer.open()
            try await peer.send(H2.get(1))
            #expect(await peer.data(1, bytes: H2.answerBytes).map(\.payload.count) == [H2.answerBytes])
        },
        H2Case("generic/4/2", "HEAD has an answer without content") { peer in
            try await peer.open()
            let block = Raw.literal(":method", "HEAD") + H2.get.dropFirst()
            try await peer.send(Raw.frame(H2.headers, flags: H2.endStream | H2.endHeaders, stream: 1, block))
            await peer.expectAnswer(1)
            #expect(await peer.data(1, bytes: 0).isEmpty)
        },
        H2Case("generic/4/3", "POST") { peer in
            try await peer.open()
            try await peer.send(H2.post(1), Raw.frame(H2.data, flags: H2.endStream, stream: 1, [1, 2, 3]))
            await peer.expectAnswer(1)
        },
        H2Case("generic/4/4", "POST with trailers") { peer in
            try await peer.open()
            try await peer.send(
                H2.post(1), Raw.frame(H2.data, stream: 1, [1, 2, 3]),
                Raw.frame(H2.headers, flags: H2.endStream | H2.endHeaders, stream: 1, Raw.literal("a", "b")))
            await peer.expectAnswer(1)
        },
    ]

    private static func priority(_ name: String, _ summary: String, _ payload: [UInt8]) -> H2Case {
        H2Case(name, summary) { peer in
            try await peer.open()
            try await peer.send(Raw.frame(H2.priority, stream: 1, payload), H2.get(1))
            await peer.expectAnswer(1)
        }
    }

    /// Every way to write a field. `:path: /` is field 4 of the static table, `user-agent` name 58; the Huffman code of
    /// `a` is 00011 and that of `/` 011000, padded with ones.
    static let genericHeaders: [H2Case] = [
        header("generic/5/1", "an indexed field", [0x90]),  // accept-encoding: gzip, deflate
        header("generic/5/2", "with indexing, name from the table", [0x7a, 0x01, 0x61]),
        header("generic/5/3", "with indexing, name from the table, Huffman", [0x7a, 0x81, 0x1f]),
        header("generic/5/4", "with indexing, new name", [0x40, 0x01, 0x61, 0x01, 0x61]),
        header("generic/5/5", "with indexing, new name, Huffman", [0x40, 0x81, 0x1f, 0x81, 0x1f]),
        header("generic/5/6", "without indexing, name from the table", [0x0f, 0x2b, 0x01, 0x61]),
        header("generic/5/7", "without indexing, name from the table, Huffman", [0x0f, 0x2b, 0x81, 0x1f]),
        header("generic/5/8", "without indexing, new name", [0x00, 0x01, 0x61, 0x01, 0x61]),
        header("generic/5/9", "without indexing, new name, Huffman", [0x00, 0x81, 0x1f, 0x81, 0x1f]),
        header("generic/5/10", "never indexed, name from the table", [0x1f, 0x2b, 0x01, 0x61]),
        header("generic/5/11", "never indexed, name from the table, Huffman", [0x1f, 0x2b, 0x81, 0x1f]),
        header("generic/5/12", "never indexed, new name", [0x10, 0x01, 0x61, 0x01, 0x61]),
        header("generic/5/13", "never indexed, new name, Huffman", [0x10, 0x81, 0x1f, 0x81, 0x1f]),
        H2Case("generic/5/14", "a table size update at the start of a section") { peer in
            try await peer.open()
            let flags = H2.endStream | H2.endHeaders
            try await peer.send(Raw.frame(H2.headers, flags: flags, stream: 1, [0x20] + H2.get))
            await peer.expectAnswer(1)
        },
        H2Case("generic/5/15", "two table size updates, and a field out of the table that was filled since") { peer in
            try await peer.open()
            let flags = H2.endStream | H2.endHeaders
            try await peer.send(
                Raw.frame(
                    H2.headers, flags: flags, stream: 1, [0x20, 0x3f, 0xe1, 0x1f] + H2.get + [0x40, 1, 0x61, 1, 0x62]),
                H2.get(3, with: [0xbe]))
            await peer.expectAnswer(1)
            await peer.expectAnswer(3)
        },
    ]

    private static func header(_ name: String, _ summary: String, _ field: [UInt8]) -> H2Case {
        H2Case(name, summary) { peer in
            try await peer.open()
            try await peer.send(H2.get(1, with: field))
            await peer.expectAnswer(1)
        }
    }
}
