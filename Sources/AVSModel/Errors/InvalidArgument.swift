/// What a caller sent cannot be accepted, whatever state the service is in.
///
/// The message is for the caller: which value, what is allowed. Texts in code font in aggregator-api are part of the
/// contract with existing clients and are used word for word.
public struct InvalidArgument: Error, Hashable, Sendable, CustomStringConvertible {
    /// The domain's number for the kind of mistake.
    public var code: ErrorCode
    /// What was wrong, with which value, and what is allowed.
    public var message: String

    public init(_ code: ErrorCode, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
