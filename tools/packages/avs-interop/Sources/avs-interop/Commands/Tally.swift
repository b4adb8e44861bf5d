import AVSPrimitives
import AVSRPC
import Synchronization

/// What became of many calls.
final class Tally: Sendable {
    private struct State {
        var counts: [String: Int] = [:]
        var failures: [String: Int] = [:]
    }

    /// Texts of failures that are kept; what comes after is counted under "others".
    private static let textLimit = 20

    private let state = Mutex(State())

    func count(_ what: String, _ number: Int = 1) { state.withLock { $0.counts[what, default: 0] += number } }

    /// Something that should not have happened.
    func fail(_ what: String, _ error: any Error) {
        state.withLock { state in
            let text = "\(what): \(error)"
            let isKept = state.failures.count < Self.textLimit || state.failures[text] != nil
            state.failures[isKept ? text : "others", default: 0] += 1
        }
    }

    /// `{"calls": 7, …, "failed": 1, "failures": {"unary: UNAVAILABLE: …": 1}}`
    var json: JSONValue {
        state.withLock { state in
            var members = state.counts.mapValues { JSONValue.number(Double($0)) }
            members["failed"] = .number(Double(state.failures.values.reduce(0, +)))
            members["failures"] = .object(state.failures.mapValues { .number(Double($0)) })
            return .object(members)
        }
    }
}
