/// How a call ended.
///
/// The runtime itself never answers with `invalidArgument`, `notFound`, `alreadyExists`, `failedPrecondition`,
/// `aborted`, `outOfRange` or `dataLoss`: those belong to applications (STA-1).
public enum RPCCode: Int, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case ok = 0
    /// The caller gave the call up.
    case cancelled = 1
    /// An error that says nothing of its kind, such as a handler's own error type.
    case unknown = 2
    /// The request is wrong whatever the state of the system.
    case invalidArgument = 3
    /// The deadline passed; the change asked for may have been made all the same.
    case deadlineExceeded = 4
    case notFound = 5
    case alreadyExists = 6
    /// The caller is known and may not.
    case permissionDenied = 7
    /// A quota, a size limit or a queue is full.
    case resourceExhausted = 8
    /// The request is fine but the system is not in the state for it; do not retry as it is.
    case failedPrecondition = 9
    /// A conflict with another change; start again from the beginning.
    case aborted = 10
    case outOfRange = 11
    /// No such method, or an encoding or a cardinality that the method does not take.
    case unimplemented = 12
    /// The peer or the runtime broke a rule of the protocol.
    case `internal` = 13
    /// The server cannot be reached or is going away; retrying is reasonable.
    case unavailable = 14
    case dataLoss = 15
    /// The caller is not known.
    case unauthenticated = 16

    /// The name as the protocol writes it: `NOT_FOUND`.
    public var description: String {
        switch self {
        case .ok: "OK"
        case .cancelled: "CANCELLED"
        case .unknown: "UNKNOWN"
        case .invalidArgument: "INVALID_ARGUMENT"
        case .deadlineExceeded: "DEADLINE_EXCEEDED"
        case .notFound: "NOT_FOUND"
        case .alreadyExists: "ALREADY_EXISTS"
        case .permissionDenied: "PERMISSION_DENIED"
        case .resourceExhausted: "RESOURCE_EXHAUSTED"
        case .failedPrecondition: "FAILED_PRECONDITION"
        case .aborted: "ABORTED"
        case .outOfRange: "OUT_OF_RANGE"
        case .unimplemented: "UNIMPLEMENTED"
        case .internal: "INTERNAL"
        case .unavailable: "UNAVAILABLE"
        case .dataLoss: "DATA_LOSS"
        case .unauthenticated: "UNAUTHENTICATED"
        }
    }
}

extension RPCCode {
    /// For applications only: the runtime does not make it up, and takes it from nobody but a server (STA-1).
    public var belongsToApplications: Bool {
        switch self {
        case .invalidArgument, .notFound, .alreadyExists, .failedPrecondition, .aborted, .outOfRange, .dataLoss: true
        case .ok, .cancelled, .unknown, .deadlineExceeded, .permissionDenied, .resourceExhausted, .unimplemented,
            .internal, .unavailable, .unauthenticated:
            false
        }
    }
}
