public import AVSModel
import AVSPrimitives
import AVSProto
import AVSStorage
import AVSWire

extension Execution {
    /// This run with a record of at most `limitBytes`, so that it can be written and fits a message.
    ///
    /// What is too much is cut with a mark: of outputs the largest first, then of details that only people read, last
    /// the configurations, which the task has as well. Only if all of that is not enough are steps left out from the
    /// end, which ``error`` then says. An output, or another JSON value, that was cut is
    ///
    ///     {"truncated": true, "bytes": 2400312, "beginning": "[{\"a\":…"}
    ///
    /// with its length as JSON. A record that fits comes back as it is.
    /// - Source: reliability-security 4.2, *execution record*.
    public func cut(toFit limitBytes: Int) -> Execution {
        let size = stored.count
        guard size > limitBytes else { return self }
        var execution = self
        var excess = size - limitBytes
        for part in StepPart.allCases where excess > 0 { excess -= execution.cut(part, by: excess) }
        return excess > 0 ? execution.withoutLastSteps(by: excess) : execution
    }

    /// Cuts one part of as few steps as need be, where most is to be had first.
    /// - Returns: by how many bytes the record is smaller at least.
    private mutating func cut(_ part: StepPart, by excess: Int) -> Int {
        let shorter = steps.indices.map { index in
            let step = part.cut(steps[index])
            return (index: index, step: step, saved: steps[index].recordedBytes - step.recordedBytes)
        }
        var saved = 0
        for candidate in shorter.sorted(by: { $0.saved > $1.saved }) where saved < excess && candidate.saved > 0 {
            steps[candidate.index] = candidate.step
            saved += candidate.saved
        }
        return saved
    }

    private func withoutLastSteps(by excess: Int) -> Execution {
        var execution = self
        let mark = "steps are left out: the record was too large"
        var excess = excess + mark.utf8.count + 32
        while excess > 0, let last = execution.steps.popLast() { excess -= last.recordedBytes }
        let count = steps.count - execution.steps.count
        execution.error = [error.cut(to: 1_024), "\(count) \(mark)"].filter { !$0.isEmpty }.joined(separator: "; ")
        return execution
    }
}

/// What of a step can be cut, in this order.
private enum StepPart: CaseIterable {
    case output, metadata, texts, config, rest

    /// - Returns: the step with a mark instead of this part, or as it is where the part is small.
    func cut(_ step: Step) -> Step {
        var step = step
        switch self {
        case .output: step.output = step.output.map(\.cut)
        case .metadata: step.metadata = step.metadata.map(\.cut)
        case .texts:
            step.log = step.log.cut(to: Self.keptTextBytes)
            step.error = step.error.cut(to: Self.keptTextBytes)
            step.failedAttempts = []
        case .config: step.config = step.config.map(\.cut)
        case .rest:
            step.inputs = []
            step.executionContext = step.executionContext.map(\.cut)
        }
        return step
    }

    private static let keptTextBytes = 1_024
}

extension Step {
    /// What it takes in a record, apart from its length.
    fileprivate var recordedBytes: Int { Wire.Execution.Step(self).serialized().count }
}

extension JSONValue {
    /// A mark in its place, unless that would be no shorter.
    fileprivate var cut: JSONValue {
        let text = serialized
        guard text.utf8.count > 256 else { return self }
        return [
            "truncated": true, "bytes": .number(Double(text.utf8.count)),
            "beginning": .string(text.cut(to: 128)),
        ]
    }
}

extension String {
    /// Its beginning, with a mark behind it if that is not all.
    fileprivate func cut(to limitBytes: Int) -> String {
        guard utf8.count > limitBytes else { return self }
        return String(decoding: utf8.prefix(limitBytes), as: UTF8.self) + "…"
    }
}
