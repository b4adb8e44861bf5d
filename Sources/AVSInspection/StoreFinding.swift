/// Something in a database that should not be so.
public struct StoreFinding: Hashable, Sendable {
    /// The invariant that is broken, `I1` to `I14`, or `readable`.
    public var rule: String
    public var key: [UInt8]
    public var problem: String

    public init(rule: String, key: [UInt8], problem: String) {
        self.rule = rule
        self.key = key
        self.problem = problem
    }
}
