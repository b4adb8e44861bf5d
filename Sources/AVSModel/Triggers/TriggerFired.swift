public import AVSPrimitives

/// What a trigger produced, as the run's first step shows it.
public struct TriggerOutput: Hashable, Sendable {
    public var kind: TriggerKind
    /// `nil` when the report carried none.
    public var data: JSONValue?

    public init(kind: TriggerKind, data: JSONValue?) {
        self.kind = kind
        self.data = data
    }
}

/// An operator's report that a task's trigger held.
public struct TriggerFired: Hashable, Sendable {
    public var taskID: TaskID
    /// The operator that reports.
    public var reporter: Address
    public var output: TriggerOutput
    /// The operator's own id of this occurrence; empty from old operators. Opaque, at most 256 bytes.
    public var requestID: String
    /// The chain of a block or event; `nil` means the task's own.
    public var chainID: UInt64?

    public init(taskID: TaskID, reporter: Address, output: TriggerOutput, requestID: String, chainID: UInt64? = nil) {
        self.taskID = taskID
        self.reporter = reporter
        self.output = output
        self.requestID = requestID
        self.chainID = chainID
    }
}
