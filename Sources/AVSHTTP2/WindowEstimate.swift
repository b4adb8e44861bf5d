/// How large the windows of one connection should be, by what it is measured to carry (FC-10).
///
/// A sample begins with a PING and ends with its answer: what came meanwhile is what the path holds, if the window lets
/// it. A sample that fills two thirds of the window, at the highest rate seen, says that the window may be what holds
/// the peer back, and doubles it.
///
/// Costs little where it is of no use: a sample begins only behind data that is worth one, there is one at a time,
/// those that change nothing are soon a second apart, and a window that has reached its limit is measured no more.
public struct WindowEstimate: Sendable {
    /// No window grows beyond this.
    public static let greatestBytes = 16 * 1024 * 1024
    private static let shortestPause = Duration.milliseconds(50)
    private static let longestPause = Duration.seconds(1)

    private struct Sample {
        var began: ContinuousClock.Instant
        var bytes = 0
    }

    /// Of each stream.
    public private(set) var windowBytes: Int
    private let limitBytes: Int
    /// Until the answer comes; never, from a peer that does not answer.
    private var sample: Sample?
    /// What came since the last sample.
    private var unsampledBytes = 0
    private var highestRate = 0.0
    private var pause = Duration.zero
    private var earliest: ContinuousClock.Instant?

    /// - Parameters:
    ///   - windowBytes: what is announced at the beginning.
    ///   - limitBytes: how far it may grow; ``greatestBytes`` at most.
    public init(windowBytes: Int, limitBytes: Int) {
        self.windowBytes = windowBytes
        self.limitBytes = min(limitBytes, Self.greatestBytes)
    }

    /// Payload has come.
    ///
    /// - Returns: whether a sample begins: send a PING behind a credit. A sixteenth of the window is worth one, so that
    ///   small calls share it by the hundred.
    public mutating func received(_ bytes: Int, at now: ContinuousClock.Instant) -> Bool {
        if sample != nil {
            sample?.bytes += bytes
            return false
        }
        guard windowBytes < limitBytes else { return false }
        unsampledBytes = min(unsampledBytes + bytes, windowBytes)
        guard unsampledBytes >= windowBytes / 16 else { return false }
        if let earliest, now < earliest { return false }
        unsampledBytes = 0
        sample = Sample(began: now)
        return true
    }

    /// The PING was answered.
    ///
    /// - Parameter mayGrow: asked once a window has shown to be too small, with the size that it should have.
    /// - Returns: the new size of the windows, if that changes.
    public mutating func answered(at now: ContinuousClock.Instant, mayGrow: (Int) -> Bool) -> Int? {
        guard let sample else { return nil }
        self.sample = nil
        let seconds = max(sample.began.duration(to: now) / .seconds(1), 1e-6)
        let rate = Double(sample.bytes) / seconds
        let isHighest = rate >= highestRate
        highestRate = max(highestRate, rate)
        let wanted = min(windowBytes * 2, limitBytes)
        guard isHighest, sample.bytes >= windowBytes / 3 * 2, mayGrow(wanted) else {
            pause = min(max(pause * 2, Self.shortestPause), Self.longestPause)
            earliest = now + pause
            return nil
        }
        pause = .zero
        earliest = nil
        windowBytes = wanted
        return wanted
    }
}
