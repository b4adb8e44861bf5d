import AVSTLS
import FuzzInputs

/// One thread's clients of a live server, one after the other.
struct Attacker {
    let inputs: ClientInputs
    let seed: UInt64
    let ports: (plain: UInt16, tls: UInt16)
    let tls: TLSContext
    let thread: Int
    private var connections = 0

    /// Inputs that one connection gets at most, if it lives.
    private static let inputsPerConnection: UInt64 = 16
    /// Without an answer for this long, an input has swallowed what came after it.
    private static let silenceMilliseconds = 30
    /// How long a server may take to end a connection whose peer has ended: one limit for all machines.
    private static let endSeconds = 60

    init(inputs: ClientInputs, seed: UInt64, ports: (plain: UInt16, tls: UInt16), tls: TLSContext, thread: Int) {
        self.inputs = inputs
        self.seed = seed
        self.ports = ports
        self.tls = tls
        self.thread = thread
    }

    /// One connection with the inputs from `first` on.
    ///
    /// - Returns: how many of them the server has taken, at least one.
    mutating func converse(_ first: UInt64, limit: UInt64) throws -> UInt64 {
        connections += 1
        var random = Generator(seed: ~seed, number: first)
        let source = (UInt8(thread % 200), UInt8(1 + connections % 250))
        switch random.below(64) {
        case 0..<56:
            let peer = try PeerSocket.connect(port: ports.plain, from: source)
            return try conversation(on: peer, first, limit, &random)
        case 56..<60:
            let peer = try PeerSocket.connect(port: ports.tls, from: source)
            try peer.startTLS(TLSSession.connect(tls, serverName: FuzzCertificate.host))
            return try conversation(on: peer, first, limit, &random)
        default:
            return try nonsense(on: try PeerSocket.connect(port: ports.tls, from: source), first, &random)
        }
    }

    /// Bytes where a handshake should be, or in the middle of what is encrypted.
    private func nonsense(on peer: PeerSocket, _ number: UInt64, _ random: inout Generator) throws -> UInt64 {
        let corpora = inputs.corpora
        let corpus = random.oneIn(2) ? corpora.hellos : corpora.records
        var made = Generator(seed: seed, number: number)
        let bytes = corpus.changed(.tlsRecords, &made)
        if random.oneIn(2) {
            try peer.startTLS(TLSSession.connect(tls, serverName: FuzzCertificate.host))
            if random.oneIn(2) { peer.write(ClientInputs.magic + Frames.frame(4, 0, 0, [])) }
        }
        for cut in Mutation.pieces(bytes.count, atMost: 8, &random) { peer.writeRaw(Array(bytes[cut])) }
        peer.finish()
        try awaitEnd(of: peer, number)
        return 1
    }

    /// Mostly input by input, each when the call behind the one before it is answered: what ends a connection takes the
    /// answers that are under way with it, and those tell which inputs were taken.
    private func conversation(
        on peer: PeerSocket, _ first: UInt64, _ limit: UInt64, _ random: inout Generator
    ) throws -> UInt64 {
        let count = min(Self.inputsPerConnection, limit - first)
        let atOnce = random.oneIn(8) ? count : 1
        peer.write(inputs.opening(&random))
        var (scanner, taken) = (FrameScanner(), UInt64(0))
        while taken < count {
            let upTo = min(count, taken + atOnce)
            send(taken..<upTo, to: peer, first, &random)
            let isLast = upTo == count && random.oneIn(4)
            if isLast { peer.finish() }
            let answered = try answers(upTo: upTo, from: peer, first, &scanner, isFinished: isLast)
            guard answered >= upTo else { return min(count, max(taken, answered) + 1) }
            taken = upTo
        }
        if random.oneIn(2) { peer.resetAtClose() }
        return count
    }

    /// All at once, or in pieces that have nothing to do with frames.
    private func send(_ indices: Range<UInt64>, to peer: PeerSocket, _ first: UInt64, _ random: inout Generator) {
        var bytes: [UInt8] = []
        for index in indices {
            var made = Generator(seed: seed, number: first + index)
            var input = inputs.input(&made)
            let offset = Int(index) * StreamShift.span
            StreamShift.apply(&input, by: offset)
            bytes += input + ClientInputs.sentinel(offset + ClientInputs.sentinelStream, number: first + index)
        }
        for cut in Mutation.pieces(bytes.count, atMost: 8, &random) {
            guard peer.write(Array(bytes[cut])) else { return }
        }
    }

    /// Reads until a call is answered or the connection ends.
    ///
    /// - Returns: inputs after which a call was answered. What comes on a connection is taken in order, so all before
    ///   them have been taken too.
    private func answers(
        upTo count: UInt64, from peer: PeerSocket, _ first: UInt64, _ scanner: inout FrameScanner, isFinished: Bool
    ) throws -> UInt64 {
        var (answered, isFinished) = (UInt64(0), isFinished)
        while answered < count {
            switch peer.read(milliseconds: isFinished ? 1_000 * Self.endSeconds : Self.silenceMilliseconds) {
            case .bytes(let bytes):
                scanner.append(bytes)
                while let frame = scanner.next() {
                    guard frame.type == FrameScanner.Frame.reset || frame.isEnd else { continue }
                    let (index, rest) = frame.stream.quotientAndRemainder(dividingBy: StreamShift.span)
                    if rest == ClientInputs.sentinelStream { answered = max(answered, UInt64(index) + 1) }
                }
            case .end: return answered
            case .nothing:
                guard !isFinished else { throw Finding("a connection from input \(first) on outlives its peer") }
                peer.finish()
                isFinished = true
            }
        }
        return answered
    }

    private func awaitEnd(of peer: PeerSocket, _ number: UInt64) throws {
        guard peer.drain(seconds: Self.endSeconds) else {
            throw Finding("a connection from input \(number) on outlives its peer")
        }
    }
}

extension FrameScanner.Frame {
    fileprivate var isEnd: Bool { type == Self.headers && endsStream }
}
