/// A value that must not leak: it prints, mirrors and interpolates as `•••` wherever it ends up (LOG-3).
///
/// Reading it takes the word ``exposed``, so that each place that does can be found and judged. It is not `Codable`.
/// Key bytes with a longer life belong into locked memory instead; this is for texts that reach us as text.
public struct Sensitive<Value> {
    /// What it prints as, and what stands for it in anything that is shown.
    public static var mark: String { "•••" }

    /// The secret. Never into a log, an error text, a metric or an argument of another program.
    public let exposed: Value

    public init(_ value: Value) { exposed = value }
}

extension Sensitive: Sendable where Value: Sendable {}
/// Equality takes time that depends on the values: for configurations and tests, not for what a peer sent (SIG-8).
extension Sensitive: Equatable where Value: Equatable {}
extension Sensitive: Hashable where Value: Hashable {}

extension Sensitive: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { Self.mark }
    public var debugDescription: String { Self.mark }
    public var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
