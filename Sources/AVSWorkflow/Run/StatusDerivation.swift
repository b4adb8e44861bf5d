public import AVSModel

/// How a run ended, judged by its steps.
///
/// - Source: execution-engine.md 6.5. There is no partial success: one failed step fails the run.
public struct RunVerdict: Hashable, Sendable {
    public var status: ExecutionStatus
    /// Empty on success.
    public var error: String

    /// SUCCESS if every step succeeded, else FAILED with the names of those that did not; also for no steps at all.
    public init(steps: [Step]) {
        let failed = steps.filter { !$0.success }
        if steps.isEmpty {
            self.init(status: .failed, error: "no execution steps found")
        } else if failed.isEmpty {
            self.init(status: .success, error: "")
        } else {
            let names = failed.map { $0.name.isEmpty ? $0.id : $0.name }.joined(separator: ", ")
            self.init(status: .failed, error: "\(failed.count) of \(steps.count) steps failed: \(names)")
        }
    }

    /// ERROR: the run itself could not be carried through. What its steps say is added.
    public init(error reason: String, steps: [Step]) {
        let analysis = RunVerdict(steps: steps).error
        let suffix = analysis.isEmpty ? "" : " (step analysis: \(analysis))"
        self.init(status: .error, error: "VM execution error: \(reason)\(suffix)")
    }

    private init(status: ExecutionStatus, error: String) {
        self.status = status
        self.error = error
    }
}
