/// How often something may be done: a bucket that refills with ``perSecond`` and holds ``burst``.
public struct CallRate: Hashable, Sendable, CustomStringConvertible {
    public static let perSecondBounds = 1...1_000_000
    public static let burstBounds = 1...10_000_000

    public let perSecond: Int
    public let burst: Int

    /// Numbers out of bounds are brought within them.
    public init(perSecond: Int, burst: Int) {
        self.perSecond = perSecond.within(Self.perSecondBounds)
        self.burst = burst.within(Self.burstBounds)
    }

    /// `5/10`: five a second, ten at once.
    public var description: String { "\(perSecond)/\(burst)" }
}

/// Rates that one API key has for itself; nil is what the configuration says for all keys.
public struct APIKeyRates: Hashable, Sendable {
    public var reads: CallRate?
    public var writes: CallRate?
    public var simulations: CallRate?

    public init(reads: CallRate? = nil, writes: CallRate? = nil, simulations: CallRate? = nil) {
        self.reads = reads
        self.writes = writes
        self.simulations = simulations
    }

    /// What an administrator asks for: nil leaves a rate as it is, ``Change/standard`` gives it back to the
    /// configuration.
    public enum Change: Hashable, Sendable {
        case standard
        case own(CallRate)

        var rate: CallRate? { if case .own(let rate) = self { rate } else { nil } }
    }

    /// These rates with those that are given changed.
    public func changed(reads: Change? = nil, writes: Change? = nil, simulations: Change? = nil) -> APIKeyRates {
        var rates = self
        if let reads { rates.reads = reads.rate }
        if let writes { rates.writes = writes.rate }
        if let simulations { rates.simulations = simulations.rate }
        return rates
    }
}

extension Int {
    fileprivate func within(_ bounds: ClosedRange<Int>) -> Int {
        Swift.min(Swift.max(self, bounds.lowerBound), bounds.upperBound)
    }
}
