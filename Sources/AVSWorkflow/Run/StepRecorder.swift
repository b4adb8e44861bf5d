public import AVSModel
public import AVSPrimitives

/// A node that came to its end, with everything that the rest of the run takes from it: a journal of these is enough to
/// go on with a run that was interrupted (XO-15, XO-17).
public struct FinishedNode: Hashable, Sendable {
    public var step: Step
    /// What the node's variable holds from now on; nil if the node produced nothing.
    public var data: JSONValue?
    /// Of a branch: the condition whose edges are taken.
    public var selectedCondition: String?

    public init(step: Step, data: JSONValue? = nil, selectedCondition: String? = nil) {
        self.step = step
        self.data = data
        self.selectedCondition = selectedCondition
    }
}

/// Hears of each node as it ends, before any node that depends on it begins.
public protocol StepRecorder: Sendable {
    /// - Throws: to end the run: what is running is cancelled and nothing else begins. For a claim that was lost
    ///   (XO-14) or a journal that is full.
    func finished(_ node: FinishedNode) async throws
}

/// Keeps nothing.
public struct NoStepRecorder: StepRecorder {
    public init() {}
    public func finished(_ node: FinishedNode) async throws {}
}
