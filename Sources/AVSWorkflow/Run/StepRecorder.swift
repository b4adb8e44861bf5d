public import AVSModel
public import AVSPrimitives

/// A node that came to its end, with everything that the rest of the run takes from it.
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

/// What a journal holds of one node: these are enough to go on with a run that was interrupted (XO-15, XO-17).
public struct NodeRecord: Hashable, Sendable {
    public var nodeID: String
    /// Of the node's configuration and of everything that led to it (``InputDigests``).
    public var inputDigest: Hash32
    /// Nil while it is not known whether the node's effect came about.
    public var finished: FinishedNode?

    public init(nodeID: String, inputDigest: Hash32, finished: FinishedNode? = nil) {
        self.nodeID = nodeID
        self.inputDigest = inputDigest
        self.finished = finished
    }
}

/// Hears of each node as it ends, before any node that depends on it begins, and of each blind effect before it is
/// tried.
public protocol StepRecorder: Sendable {
    /// Why what a node produced cannot be kept, although the run can go on without it; nil if it can be.
    ///
    /// The node then fails with this, and is recorded without what it produced.
    func refusal(of record: NodeRecord) async -> NodeFailure?

    /// Takes the place of what was recorded of the same node before.
    ///
    /// - Parameter isDurable: whether the record must survive a crash once this returns. Otherwise it may be lost, with
    ///   everything that was recorded after it and not before it.
    /// - Throws: to end the run: what is running is cancelled and nothing else begins. For a claim that was lost
    ///   (XO-14) or a journal that is full.
    func record(_ record: NodeRecord, isDurable: Bool) async throws
}

extension StepRecorder {
    /// Everything can be kept.
    public func refusal(of record: NodeRecord) async -> NodeFailure? { nil }
}

/// Keeps nothing.
public struct NoStepRecorder: StepRecorder {
    public init() {}
    public func record(_ record: NodeRecord, isDurable: Bool) async throws {}
}
