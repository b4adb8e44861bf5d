/// What a check has looked at, and how often each rule is broken.
public struct CheckSummary: Hashable, Sendable {
    public internal(set) var rows = 0
    public internal(set) var findings = 0
    public internal(set) var findingsByRule: [String: Int] = [:]
    /// Secrets that were opened, or tried to be. 0 where no key was given.
    public internal(set) var secretsOpened = 0

    public init() {}
}
