public import AVSHTTP2
public import AVSRPC

/// What a server has done and is doing, since it began (OB-1).
///
/// Kept per event loop as plain numbers, so that counting costs a call nothing but the additions, and added up when it
/// is asked for.
public struct TransportStatistics: Sendable {
    /// Connections that came as far as HTTP/2.
    public var connectionsOpened = 0
    public var connectionsOpen = 0
    /// Connections that were closed before they had a session: over a limit (OV-3), or in a drain.
    public var connectionsTurnedAway = 0
    /// By reason: `timeout`, `too_many`, `certificate`, `alpn`, `closed`, `tls`.
    public var handshakesFailed: [String: Int] = [:]
    /// TLS handshakes that went on from an earlier connection's session.
    public var handshakesResumed = 0
    /// Connections that ended because of what the peer did, by one of ``reasons`` (ATT-18).
    public var connectionsRefused: [String: Int] = [:]
    /// GOAWAY frames with a reason of ours, one of ``reasons``: drains, limits, errors.
    public var goAwaysSent: [String: Int] = [:]

    public var bytesReceived = 0
    public var bytesSent = 0
    /// Frames by what they cost; resets received and provoked, pings and settings are among them.
    public var frames = FrameCounts()

    /// How often a connection's windows were doubled (FC-10).
    public var windowGrowths = 0
    public var messagesReceived = 0
    public var messagesSent = 0
    /// What decompressing has made; the measure of its work.
    public var inflatedBytes = 0
    /// Messages that were compressed on other threads than the event loops', being large (CMP-10).
    public var messagesCompressedBeside = 0

    /// Calls by method and status. The first one counts those whose method is not known.
    public var methods: [Method] = []
    /// Answers in HTTP, for those who did not speak gRPC.
    public var foreignAnswers = 0
    /// Handlers that have not returned.
    public var runningHandlers = 0
    /// Calls whose handlers have not begun, for want of a place (OV-2).
    public var waitingCalls = 0
    /// Requests that no handler has taken and answers that no peer has, over all connections (OV-3).
    public var queuedBytes = 0

    /// From a call's headers to its end, in microseconds.
    public var latencyMicroseconds = Histogram()
    /// Of messages both ways, as they travel, without their prefix.
    public var messageBytes = Histogram()
    /// Answers in one turn's write: a measure of how well writes are shared (SP-2).
    public var answersPerWrite = Histogram()
    /// How long writers waited for a peer that did not read, in microseconds.
    public var writeWaitMicroseconds = Histogram()

    /// One method's calls.
    public struct Method: Hashable, Sendable {
        /// Nil for what no method was found for.
        public var path: MethodPath?
        /// By status code, 0 to 16.
        public var ended: [Int]
        /// Of its calls that came as far as its handler, from their headers to their end.
        public var latencyMicroseconds = Histogram()

        public func count(_ code: RPCCode) -> Int { ended[code.rawValue] }
        public var total: Int { ended.reduce(0, +) }
    }

    public init() {}

    /// Calls that ended, over all methods.
    public func calls(_ code: RPCCode) -> Int { methods.reduce(0) { $0 + $1.count(code) } }
}

/// The numbers of one event loop; touched on it only.
struct LoopCounters {
    static let codes = RPCCode.allCases.count

    var connectionsOpened = 0
    var connectionsTurnedAway = 0
    var handshakesFailed: [String: Int] = [:]
    var handshakesResumed = 0
    var connectionsRefused: [String: Int] = [:]
    var goAwaysSent: [String: Int] = [:]
    var bytesReceived = 0
    var bytesSent = 0
    var frames = FrameCounts()
    var windowGrowths = 0
    var messagesReceived = 0
    var messagesSent = 0
    var foreignAnswers = 0
    var messageBytes = Histogram()
    var answersPerWrite = Histogram()
    var writeWaitMicroseconds = Histogram()
    /// Method by method, each with its codes.
    private var ended: [Int] = []
    /// Method by method, as in ``ended``.
    private var latencies: [Histogram] = []

    /// - Parameter duration: since the call's headers; nil for one that got no handler.
    mutating func callEnded(method: Int, _ code: RPCCode, after duration: Duration? = nil) {
        let place = (method + 1) * Self.codes + code.rawValue
        if place >= ended.count { ended += repeatElement(0, count: (method + 2) * Self.codes - ended.count) }
        ended[place] += 1
        guard let duration else { return }
        if method + 1 >= latencies.count {
            latencies += repeatElement(Histogram(), count: method + 2 - latencies.count)
        }
        latencies[method + 1].record(duration.microseconds)
    }

    mutating func count(_ reason: String, in table: WritableKeyPath<LoopCounters, [String: Int]>) {
        self[keyPath: table][TransportStatistics.reason(reason), default: 0] += 1
    }

    /// - Parameter paths: of the methods, in the order of their numbers.
    func add(to sum: inout TransportStatistics, paths: [MethodPath]) {
        sum.connectionsOpened += connectionsOpened
        sum.connectionsTurnedAway += connectionsTurnedAway
        sum.handshakesFailed.merge(handshakesFailed, uniquingKeysWith: +)
        sum.handshakesResumed += handshakesResumed
        sum.connectionsRefused.merge(connectionsRefused, uniquingKeysWith: +)
        sum.goAwaysSent.merge(goAwaysSent, uniquingKeysWith: +)
        sum.bytesReceived += bytesReceived
        sum.bytesSent += bytesSent
        sum.frames.add(frames)
        sum.windowGrowths += windowGrowths
        sum.messagesReceived += messagesReceived
        sum.messagesSent += messagesSent
        sum.foreignAnswers += foreignAnswers
        sum.messageBytes.add(messageBytes)
        sum.answersPerWrite.add(answersPerWrite)
        sum.writeWaitMicroseconds.add(writeWaitMicroseconds)
        if sum.methods.isEmpty {
            sum.methods = ([nil] + paths.map { $0 }).map {
                TransportStatistics.Method(path: $0, ended: Array(repeating: 0, count: Self.codes))
            }
        }
        for (place, number) in ended.enumerated() where place / Self.codes < sum.methods.count {
            sum.methods[place / Self.codes].ended[place % Self.codes] += number
        }
        for (method, latency) in latencies.enumerated() where method < sum.methods.count {
            sum.methods[method].latencyMicroseconds.add(latency)
            sum.latencyMicroseconds.add(latency)
        }
    }
}
