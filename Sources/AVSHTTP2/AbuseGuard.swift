/// So many at once, and so many per second after that.
public struct TokenBucket: Hashable, Sendable {
    public let burst: Double
    public let perSecond: Double
    private var tokens: Double
    private var updated: ContinuousClock.Instant?

    /// Never empty.
    public static let unlimited = TokenBucket(burst: .greatestFiniteMagnitude, perSecond: 0)

    public init(burst: Double, perSecond: Double) {
        self.burst = burst
        self.perSecond = perSecond
        tokens = burst
    }

    /// Takes `count` tokens. Returns false, and takes what there is, if there are not so many.
    public mutating func take(_ count: Int, at now: ContinuousClock.Instant) -> Bool {
        guard count > 0 else { return true }
        if let updated {
            let elapsed = updated.duration(to: now) / .seconds(1)
            tokens = min(burst, tokens + max(0, elapsed) * perSecond)
        }
        updated = now
        tokens -= Double(count)
        defer { tokens = max(0, tokens) }
        return tokens >= 0
    }
}

/// Watches what a peer makes us do on one connection, and says when it is enough (section 21).
///
/// libnghttp2 limits little, and nothing during a drain (ATT-1); these are the buckets that it leaves to us. After a
/// violation: GOAWAY(ENHANCE_YOUR_CALM) with the reason, flush, close (ATT-18).
public struct AbuseGuard: Sendable {
    public struct Limits: Hashable, Sendable {
        /// Resets received and provoked (ATT-1, ATT-2).
        public var resets = TokenBucket(burst: 200, perSecond: 50)
        /// Frames that bring nothing forward (ATT-9).
        public var glitches = TokenBucket(burst: 10_000, perSecond: 330)
        /// SETTINGS (ATT-5).
        public var settings = TokenBucket(burst: 10, perSecond: 1)
        /// DATA frames without payload (ATT-8).
        public var emptyData = TokenBucket(burst: 100, perSecond: 10)
        /// DATA frames of 1 to 15 bytes; streams of small messages are legal (ATT-8).
        public var tinyData = TokenBucket(burst: 10_000, perSecond: 5_000)
        /// Header sections over the limit; the second one ends the connection (ATT-4).
        public var oversizedHeaders = 1

        public init() {}
    }

    /// Which limit was passed; the raw value goes into GOAWAY and into the log.
    public enum Violation: String, Hashable, Sendable, CaseIterable {
        case resets = "too_many_resets"
        case glitches = "too_many_glitches"
        case settings = "too_many_settings"
        case emptyData = "too_many_empty_data_frames"
        case tinyData = "too_many_tiny_data_frames"
        case oversizedHeaders = "too_many_oversized_headers"
        case pings = "too_many_pings"
    }

    private var limits: Limits
    private var pings: PingPolicy
    private var oversizedHeaders = 0
    /// WINDOW_UPDATE frames that DATA we sent excuses: two for each, since stream and connection have one each.
    private var expectedWindowUpdates = 0

    public init(limits: Limits = Limits(), pings: PingPolicy) {
        self.limits = limits
        self.pings = pings
    }

    /// - Parameter hasCalls: calls are open, so pings are permitted at the shorter interval.
    public mutating func charge(
        _ counts: FrameCounts, hasCalls: Bool, at now: ContinuousClock.Instant
    ) -> Violation? {
        if counts.dataSent + counts.headersSent > 0 { pings.sentHeadersOrData() }
        let resets = counts.resetsReceived + counts.resetsProvoked + counts.invalidFrames
        if !limits.resets.take(resets, at: now) { return .resets }
        if !limits.settings.take(counts.settings, at: now) { return .settings }
        if !limits.emptyData.take(counts.emptyData, at: now) { return .emptyData }
        if !limits.tinyData.take(counts.tinyData, at: now) { return .tinyData }
        if !limits.glitches.take(counts.idleFrames + idleWindowUpdates(counts), at: now) { return .glitches }
        oversizedHeaders += counts.oversizedHeaders
        if oversizedHeaders > limits.oversizedHeaders { return .oversizedHeaders }
        for _ in 0..<min(counts.pings, 8) where !pings.receive(hasCalls: hasCalls, at: now) { return .pings }
        return nil
    }

    private mutating func idleWindowUpdates(_ counts: FrameCounts) -> Int {
        expectedWindowUpdates = min(100_000, expectedWindowUpdates + 4 * counts.dataSent)
        let excused = min(expectedWindowUpdates, counts.windowUpdates)
        expectedWindowUpdates -= excused
        return counts.windowUpdates - excused
    }
}

/// How often a peer may ping (KA-1). More than two pings too early end the connection.
///
/// Sending HEADERS or DATA forgives: both must count, since clients measure bandwidth with pings around either.
public struct PingPolicy: Hashable, Sendable {
    public var minimumInterval: Duration
    /// Allowed at `minimumInterval` also without calls; else then only every two hours.
    public var permitsWithoutCalls: Bool
    private var strikes = 0
    private var lastValid: ContinuousClock.Instant?

    /// No limit at all: what a client asks of its server.
    public static let unlimited = PingPolicy(minimumInterval: .zero, permitsWithoutCalls: true)

    public init(minimumInterval: Duration = .seconds(300), permitsWithoutCalls: Bool = false) {
        self.minimumInterval = minimumInterval
        self.permitsWithoutCalls = permitsWithoutCalls
    }

    mutating func sentHeadersOrData() {
        strikes = 0
        lastValid = nil
    }

    /// - Returns: false when the peer has pinged too often.
    mutating func receive(hasCalls: Bool, at now: ContinuousClock.Instant) -> Bool {
        let interval = hasCalls || permitsWithoutCalls ? minimumInterval : max(minimumInterval, .seconds(7_200))
        if let lastValid, lastValid.duration(to: now) < interval {
            strikes += 1
            return strikes <= 2
        }
        lastValid = now
        return true
    }
}
