import Testing

// RFC 9113, sections 6.5 and 6.9.

extension H2Case {
    static let settings: [H2Case] = [
        connectionError(
            "http2/6.5/1", "an acknowledgement with a payload", Raw.frame(H2.settings, flags: H2.ack, [0]),
            H2.frameSizeError),
        connectionError("http2/6.5/2", "SETTINGS on a stream", Raw.frame(H2.settings, stream: 1), H2.protocolError),
        connectionError(
            "http2/6.5/3", "SETTINGS whose length is no multiple of 6", Raw.frame(H2.settings, [0, 0, 1]),
            H2.frameSizeError),
        connectionError(
            "http2/6.5.2/1", "ENABLE_PUSH of 2", H2.settings([(H2.enablePush, 2)]), H2.protocolError),
        connectionError(
            "http2/6.5.2/2", "INITIAL_WINDOW_SIZE of 2^31", H2.settings([(H2.initialWindowSize, 1 << 31)]),
            H2.flowControlError),
        connectionError(
            "http2/6.5.2/3", "MAX_FRAME_SIZE of 2^14 - 1", H2.settings([(H2.maxFrameSize, 16_383)]), H2.protocolError),
        connectionError(
            "http2/6.5.2/4", "MAX_FRAME_SIZE of 2^24", H2.settings([(H2.maxFrameSize, 1 << 24)]), H2.protocolError),
        H2Case("http2/6.5.2/5", "an unknown setting is ignored") { peer in
            try await peer.open([(0xff, 1)])
            try await peer.expectAlive()
        },
        H2Case("http2/6.5.3/1", "of two values of one setting the last one counts") { peer in
            try await peer.open([(H2.initialWindowSize, 100), (H2.initialWindowSize, 1)])
            try await peer.send(H2.get(1))
            #expect(await peer.data(1, bytes: 1).map(\.payload.count) == [1])
        },
        H2Case("http2/6.5.3/2", "SETTINGS are acknowledged") { peer in
            try await peer.open()
            try await peer.send(H2.settings([(H2.initialWindowSize, 100)]))
            await peer.expectSettingsAcknowledged(2)
        },
    ]

    static let windows: [H2Case] = [
        connectionError("http2/6.9/1", "WINDOW_UPDATE of 0", H2.windowUpdate(0, 0), H2.protocolError),
        H2Case("http2/6.9/2", "WINDOW_UPDATE of 0 on a stream") { peer in
            try await peer.open()
            try await peer.send(Raw.request("Echo", stream: 1), H2.windowUpdate(1, 0))
            await peer.expectStreamError(1, H2.protocolError)
        },
        connectionError(
            "http2/6.9/3", "WINDOW_UPDATE of other than 4 bytes", Raw.frame(H2.windowUpdate, [0, 0, 1]),
            H2.frameSizeError),
        H2Case("http2/6.9.1/1", "DATA keeps to the window") { peer in
            try await peer.open([(H2.initialWindowSize, 1)])
            try await peer.send(H2.get(1))
            #expect(await peer.data(1, bytes: 1).map(\.payload.count) == [1])
            try await peer.send(H2.windowUpdate(1, 2))
            #expect(await peer.data(1, bytes: 3).map(\.payload.count) == [1, 2])
        },
        connectionError(
            "http2/6.9.1/2", "a connection window over 2^31 - 1",
            H2.windowUpdate(0, 0x7fff_ffff) + H2.windowUpdate(0, 0x7fff_ffff), H2.flowControlError),
        H2Case("http2/6.9.1/3", "a stream window over 2^31 - 1") { peer in
            try await peer.open()
            try await peer.send(
                Raw.request("Echo", stream: 1), H2.windowUpdate(1, 0x7fff_ffff), H2.windowUpdate(1, 0x7fff_ffff))
            await peer.expectStreamError(1, H2.flowControlError)
        },
        H2Case("http2/6.9.2/1", "a new INITIAL_WINDOW_SIZE changes the windows of open streams") { peer in
            try await peer.open([(H2.initialWindowSize, 0)])
            try await peer.send(H2.get(1))
            await peer.expectHeaders(1)
            try await peer.send(H2.settings([(H2.initialWindowSize, 1)]))
            #expect(await peer.data(1, bytes: 1).map(\.payload.count) == [1])
        },
        H2Case("http2/6.9.2/2", "a window can be negative, and is waited for (FC-11)") { peer in
            try await peer.open([(H2.initialWindowSize, 3)])
            try await peer.send(H2.get(1))
            #expect(await peer.data(1, bytes: 3).map(\.payload.count) == [3])
            try await peer.send(H2.settings([(H2.initialWindowSize, 2)]))
            await peer.expectSettingsAcknowledged(2)
            try await peer.send(H2.windowUpdate(1, 2))
            #expect(await peer.data(1, bytes: 4).map(\.payload.count) == [3, 1])
        },
        H2Case("http2/6.9.2/3", "an INITIAL_WINDOW_SIZE that takes a stream's window over 2^31 - 1") { peer in
            try await peer.open([(H2.initialWindowSize, 0)])
            try await peer.send(H2.get(1), H2.windowUpdate(1, 0x7fff_ffff))
            await peer.expectAnswer(1)
            try await peer.send(Raw.request("Echo", stream: 3), H2.windowUpdate(3, 0x7fff_ffff))
            try await peer.send(H2.settings([(H2.initialWindowSize, 1)]))
            await peer.expectStreamError(3, H2.flowControlError)
        },
    ]
}
