import AVSModel
import AVSPrimitives
public import AVSRPC

extension AggregatorError {
    /// The case that a failed call's status belongs to.
    ///
    /// - Source: aggregator-api 2.2 and 2.3; `x-ap-error-code` is decision D-9, `grpc-retry-pushback-ms` OVL-5.
    public init(_ status: RPCStatus) {
        let details = Details(
            status.code, status.message, errorNumber: status.metadata.errorNumber, metadata: status.metadata)
        switch status.code {
        case .unauthenticated: self = .unauthenticated(details)
        case .permissionDenied: self = .forbidden(details)
        case .notFound: self = .notFound(details)
        case .invalidArgument: self = .invalidArgument(field: Self.field(details), details)
        case .failedPrecondition: self = .refused(reason: nil, details)
        case .resourceExhausted: self = .limit(Limit(details), details)
        case .unavailable: self = .unavailable(retryAfter: RetryAdvice(status.metadata)?.delay, details)
        case .deadlineExceeded: self = .timedOut(details)
        case .cancelled: self = .cancelled(details)
        case .ok, .unknown, .alreadyExists, .aborted, .outOfRange, .unimplemented, .internal, .dataLoss:
            self = .other(details)
        }
    }

    /// Whatever a call can throw. An answer that makes no sense is INTERNAL: the peer broke the contract.
    init(_ error: any Error) {
        switch error {
        case let error as AggregatorError: self = error
        case let status as RPCStatus: self.init(status)
        case is CancellationError: self = .cancelled(Details(.cancelled, "the call was cancelled"))
        default: self = .unreadable("the aggregator's answer cannot be read: \(error)")
        }
    }

    static func unreadable(_ message: String) -> AggregatorError { .unreadable(Details(.internal, message)) }

    static func invalid(_ field: String, _ message: String) -> AggregatorError {
        .invalidArgument(field: field, Details(.invalidArgument, message))
    }

    /// The part of a request that the aggregator's words name; otherwise the part that its number stands for.
    private static func field(_ details: Details) -> String? {
        let message = details.message
        // Of `invalid task argument: inputVariables.settings.name is required` the last part counts.
        if let match = message.firstMatch(of: /(?:^|: )(?:at least one )?([^:]+?) (?:is required|field cannot be)/) {
            return String(match.1)
        }
        if let match = message.firstMatch(of: /[Mm]issing ([^:]+?)(?: in request)?$/) { return String(match.1) }
        if let match = message.firstMatch(of: /(node '[^']*') validation failed/) { return String(match.1) }
        switch details.errorCode {
        case .invalidTriggerConfig: return "trigger"
        case .invalidNodeConfig: return "nodes"
        case .invalidWorkflow: return "edges"
        case .invalidSignatureFormat: return "signature"
        default: return nil
        }
    }
}

extension AggregatorError.Limit {
    /// What the aggregator's words for a limit say; the words themselves when they are new ones.
    init(_ details: AggregatorError.Details) {
        let pause = RetryAdvice(details.metadata)?.delay
        // When to come back is said in words as well; that is no part of the limit's name.
        let message = details.message.replacing(/; try again in \d+ ms$/, with: "")
        if let match = message.wholeMatch(of: /limit reached: at most (\d+) (.+)/) {
            self.init(name: String(match.2), value: Int64(match.1), retryAfter: pause)
        } else if let match = message.wholeMatch(of: /too many (.+), at most (\d+) are allowed/) {
            self.init(name: String(match.1), value: Int64(match.2), retryAfter: pause)
        } else if let match = message.wholeMatch(of: /too many (.+): (\d+) a second are allowed, \d+ at once/) {
            self.init(name: String(match.1), value: Int64(match.2), retryAfter: pause)
        } else if let match = message.wholeMatch(of: /too many (.+)/) {
            self.init(name: String(match.1), retryAfter: pause)
        } else if let match = message.wholeMatch(of: /max smart wallet count reached for owner \(limit=(\d+)\)/) {
            self.init(name: "smart wallets per owner", value: Int64(match.1), retryAfter: pause)
        } else if let match = message.wholeMatch(of: /the change is \d+ bytes, at most (\d+) are allowed/) {
            self.init(name: "bytes of one change", value: Int64(match.1), retryAfter: pause)
        } else {
            self.init(name: message, retryAfter: pause)
        }
    }
}

extension Metadata {
    /// The number in `x-ap-error-code`, decimal text.
    var errorNumber: Int32? { self["x-ap-error-code"].flatMap { Int32($0) } }
}
