import AVSPrimitives
import AVSRPC
import AVSTLS
import AVSTransport
import FuzzInputs
import Logging
import Synchronization

/// Answers the calls of live channels with inputs: as many channels as there are threads, each with a server of its own
/// that knows no HTTP/2, and up to six calls at a time.
struct ChannelAttack: LiveTarget {
    static let name = "live-channel"

    let campaign: Campaign

    /// In the place of an input's number: this call wants to be answered well.
    static let normalCall = UInt64.max

    func round(_ numbers: Range<UInt64>) async throws -> UInt64 {
        let tls = (server: try FuzzCertificate.serverContext(), client: try FuzzCertificate.clientContext())
        let servers = try (0..<campaign.threads).map { thread in
            try HostileServer(
                inputs: ServerInputs(corpora: campaign.corpora), seed: campaign.seed,
                tls: thread % 4 == 3 ? tls.server : nil)
        }
        return try await withThrowingTaskGroup(of: UInt64.self) { group in
            let share = (UInt64(numbers.count) + UInt64(servers.count) - 1) / UInt64(servers.count)
            for (thread, server) in servers.enumerated() {
                let first = min(numbers.upperBound, numbers.lowerBound + UInt64(thread) * share)
                let range = first..<min(numbers.upperBound, first + share)
                group.addTask {
                    try await onThread { try server.run() }
                    return 0
                }
                group.addTask {
                    let client = try HostileServer.Client(server, tls: thread % 4 == 3 ? tls.client : nil)
                    defer { server.stop() }
                    return try await client.call(range, campaign, thread: thread)
                }
            }
            return try await group.reduce(0, +)
        }
    }
}

/// Accepts one connection after the other and answers each call on it with the input that the call names.
final class HostileServer: Sendable {
    private let inputs: ServerInputs
    private let seed: UInt64
    private let tls: TLSContext?
    private let listener: PeerSocket.Listener
    /// Calls that an input was sent for.
    private let attacked = Mutex<Set<UInt64>>([])

    /// A connection that says nothing for this long, after an input, is ended.
    private static let silenceMilliseconds = 10

    init(inputs: ServerInputs, seed: UInt64, tls: TLSContext?) throws {
        self.inputs = inputs
        self.seed = seed
        self.tls = tls
        listener = try PeerSocket.Listener()
    }

    func stop() { listener.stop() }

    /// Until ``stop()``.
    func run() throws {
        while let peer = listener.next() {
            do { try serve(peer) } catch is TLSError { continue }
        }
    }

    private func serve(_ peer: PeerSocket) throws {
        var connection = Connection(peer)
        if let tls {
            // A client that was told to close while it connected makes no handshake.
            do { try peer.startTLS(TLSSession.accept(tls)) } catch is Finding { return }
        }
        var isUsed = false
        while true {
            switch peer.read(milliseconds: isUsed ? Self.silenceMilliseconds : 2_000) {
            case .end: return
            case .nothing: if isUsed { return }
            case .bytes(let bytes):
                for (stream, number) in connection.calls(in: bytes) {
                    // A connection that had an input owes nothing to anybody; the call comes again on the next one.
                    if number == ChannelAttack.normalCall, isUsed { return }
                    if !connection.isOpened { open(&connection, normally: number == ChannelAttack.normalCall, number) }
                    if number == ChannelAttack.normalCall {
                        peer.write(ServerInputs.answer(stream, [0] + bigEndian(8, 4) + bigEndian(-1, 8)))
                    } else {
                        isUsed = true
                        attack(stream, number, peer)
                    }
                }
                // A client may wait for SETTINGS with its first call.
                if !connection.isOpened, connection.hasMagic { open(&connection, normally: true, 0) }
            }
        }
    }

    private func open(_ connection: inout Connection, normally: Bool, _ number: UInt64) {
        var random = Generator(seed: seed, number: number)
        connection.isOpened = true
        connection.peer.write(normally ? Frames.frame(4, 0, 0, []) : inputs.opening(&random))
    }

    private func attack(_ stream: Int, _ number: UInt64, _ peer: PeerSocket) {
        var random = Generator(seed: seed, number: number)
        var bytes = inputs.input(&random)
        StreamShift.apply(&bytes, by: stream - 1)
        attacked.withLock { _ = $0.insert(number) }
        for cut in Mutation.pieces(bytes.count, atMost: 8, &random) {
            let piece = Array(bytes[cut])
            guard random.oneIn(256) ? peer.writeRaw(piece) : peer.write(piece) else { return }
        }
        if random.oneIn(32) { peer.finish() }
    }

    func wasAttacked(_ number: UInt64) -> Bool { attacked.withLock { $0.remove(number) != nil } }

    /// What a client has sent on one connection.
    private struct Connection {
        let peer: PeerSocket
        var isOpened = false
        private(set) var hasMagic = false
        private var scanner = FrameScanner()
        private var bodies: [Int: [UInt8]] = [:]

        init(_ peer: PeerSocket) { self.peer = peer }

        /// The calls whose request is complete with these bytes: eight bytes behind the prefix.
        mutating func calls(in bytes: [UInt8]) -> [(stream: Int, number: UInt64)] {
            scanner.append(bytes)
            if !hasMagic { hasMagic = scanner.skip(ClientInputs.magic.count) }
            guard hasMagic else { return [] }
            var calls: [(Int, UInt64)] = []
            while let frame = scanner.next() {
                guard frame.type == FrameScanner.Frame.data else { continue }
                bodies[frame.stream, default: []] += frame.payload
                guard let body = bodies[frame.stream], body.count >= 13 else { continue }
                bodies[frame.stream] = nil
                calls.append((frame.stream, body[5..<13].reduce(0) { $0 << 8 | UInt64($1) }))
            }
            return calls
        }
    }

    /// A live channel to such a server.
    struct Client {
        private let server: HostileServer
        private let configuration: RPCChannel.Configuration
        /// Calls that one channel makes, before another takes its place.
        private static let callsPerChannel = 512

        init(_ server: HostileServer, tls: TLSContext?) throws {
            self.server = server
            var configuration = RPCChannel.Configuration()
            configuration.authority = FuzzCertificate.host
            if let tls { configuration.security = .tls(TLSSecurity(tls)) }
            configuration.backoff = Backoff(first: .milliseconds(2), longest: .milliseconds(10))
            configuration.connectTimeout = .seconds(20)
            configuration.responseLimitBytes = 64 * 1_024
            configuration.limits.keepaliveTime = .milliseconds(100)
            configuration.limits.settingsTimeout = .seconds(2)
            configuration.limits.headersTimeout = .seconds(1)
            self.configuration = configuration
        }

        /// - Returns: calls that were answered with an input, and have ended.
        func call(_ numbers: Range<UInt64>, _ campaign: Campaign, thread: Int) async throws -> UInt64 {
            var taken: UInt64 = 0
            var next = numbers.lowerBound
            while next < numbers.upperBound, !campaign.isOver {
                let end = min(numbers.upperBound, next + UInt64(Self.callsPerChannel))
                let channel = try RPCChannel(
                    target: "127.0.0.1:\(server.listener.port)", configuration: configuration, time: SystemTime(),
                    logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() })
                var random = Generator(seed: ~campaign.seed, number: next)
                while next < end {
                    campaign.note(next, of: thread)
                    let some = min(end - next, UInt64(1 + random.below(6)))
                    taken += try await callAtOnce(next..<(next + some), on: channel)
                    next += some
                }
                try await callNormally(on: channel)
                await channel.close()
            }
            return taken
        }

        private func callAtOnce(_ numbers: Range<UInt64>, on channel: RPCChannel) async throws -> UInt64 {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in numbers {
                    group.addTask {
                        // Whatever it is answered with, and also without an answer, it ends.
                        try await Self.ends(number) { await attempt(number, on: channel) }
                        return server.wasAttacked(number)
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
        }

        /// Throws if a call with a timeout of a fraction of a second is not over after a minute.
        private static func ends(_ number: UInt64, _ body: @escaping @Sendable () async -> Void) async throws {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    await body()
                    return true
                }
                group.addTask {
                    do { try await Task.sleep(for: .seconds(60)) } catch { return true }
                    return false
                }
                defer { group.cancelAll() }
                guard try await group.next() == true else { throw Finding("call \(number) does not end") }
            }
        }

        private func attempt(_ number: UInt64, on channel: RPCChannel) async {
            let path = MethodPath(service: Victim.service, method: "Echo")
            let request = bigEndian(Int(truncatingIfNeeded: number), 8)
            let options = CallOptions(timeout: .milliseconds(100), waitForReady: true)
            do {
                if number % 3 == 0 {
                    try await channel.serverStreaming(
                        path, request, request: .bytes, response: .bytes, options: options
                    ) { answers in for try await _ in answers {} }
                } else {
                    _ = try await channel.unary(path, request, request: .bytes, response: .bytes, options: options)
                }
            } catch { return }  // whatever the input made of it
        }

        /// After all that, a call that is answered well succeeds.
        private func callNormally(on channel: RPCChannel) async throws {
            let path = MethodPath(service: Victim.service, method: "Echo")
            let options = CallOptions(timeout: .seconds(20), waitForReady: true)
            var last: (any Error)?
            for _ in 0..<30 {
                do {
                    let answer = try await channel.unary(
                        path, bigEndian(-1, 8), request: .bytes, response: .bytes, options: options)
                    if answer == bigEndian(-1, 8) { return }
                    // A late input to the call before it answers the streams that come next as well.
                    last = Finding("the answer was \(answer.count) other bytes")
                } catch let status as RPCStatus {
                    last = status  // the connection that it met had an input before
                }
            }
            throw Finding("no normal call succeeds after the inputs: \(String(describing: last))")
        }
    }
}
