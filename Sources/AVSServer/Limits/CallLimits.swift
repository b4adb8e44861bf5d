public import AVSModel

/// What one caller, and all of them together, may ask for.
///
/// Rates are `nil` where they are lifted; counts always hold. A caller is known by its token's account, an operator by
/// its address, a stranger by where it comes from.
/// - Source: reliability-security 4.2, whose defaults these are.
public struct CallLimits: Hashable, Sendable {
    public typealias Rate = CallRate

    /// Calls of a source address that proved nothing, whether or not they tried to.
    public var strangers: Rate? = Rate(perSecond: 20, burst: 40)
    /// GetKey, by source address.
    public var signInsPerAddress: Rate? = Rate(perSecond: 5, burst: 20)
    /// GetKey that succeeded, by account: a stranger cannot use it up.
    public var signInsPerAccount: Rate? = Rate(perSecond: 1, burst: 10)
    public var readsPerCaller: Rate? = Rate(perSecond: 100, burst: 200)
    public var writesPerCaller: Rate? = Rate(perSecond: 10, burst: 50)
    public var trialsPerCaller: Rate? = Rate(perSecond: 2, burst: 5)
    public var reportsPerOperator: Rate? = Rate(perSecond: 2_000, burst: 10_000)
    /// Calls with one API key that has no rates of its own, or with tokens made with it; they count for its account as
    /// well.
    public var readsPerKey: Rate? = Rate(perSecond: 100, burst: 200)
    public var writesPerKey: Rate? = Rate(perSecond: 10, burst: 50)
    public var trialsPerKey: Rate? = Rate(perSecond: 2, burst: 5)

    /// Simulations and estimates of one caller at the same time.
    public var runningTrialsPerCaller = 5
    /// Handlers at the same time, of one caller and in all. Reports of operators and health are not among them.
    public var runningPerCaller = 64
    public var runningInAll = 512
    /// Calls that wait for a handler, when as many as allowed are running.
    public var waiting = 256

    public init() {}

    /// Without any rate: for tests of something else (`limits.profile: test`).
    public var withoutRates: CallLimits {
        var limits = self
        limits.strangers = nil
        limits.signInsPerAddress = nil
        limits.signInsPerAccount = nil
        limits.readsPerCaller = nil
        limits.writesPerCaller = nil
        limits.trialsPerCaller = nil
        limits.reportsPerOperator = nil
        limits.readsPerKey = nil
        limits.writesPerKey = nil
        limits.trialsPerKey = nil
        return limits
    }
}
