public import AVSModel
public import AVSPrimitives

/// What one node or one trigger did when it was tried out. Failing is a result, not a failure of the call.
public struct TrialResult: Hashable, Sendable {
    /// Whether it did what it is for.
    public var success: Bool
    /// Empty on success.
    public var error: String
    /// `unspecified` on success.
    public var errorCode: ErrorCode
    /// What a later node would see; nil when nothing was produced.
    public var output: JSONValue?
    /// Raw details that no later node sees. Of an event trigger: the simulated log, and `conditionsMet` and
    /// `matchedConditions` where its query has conditions.
    public var metadata: JSONValue?
    /// `chainId`, `isSimulated`, `provider`.
    public var executionContext: JSONValue?

    public init(
        success: Bool, error: String = "", errorCode: ErrorCode = .unspecified, output: JSONValue? = nil,
        metadata: JSONValue? = nil, executionContext: JSONValue? = nil
    ) {
        self.success = success
        self.error = error
        self.errorCode = errorCode
        self.output = output
        self.metadata = metadata
        self.executionContext = executionContext
    }
}
