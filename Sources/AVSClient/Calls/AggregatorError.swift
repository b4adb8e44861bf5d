public import AVSModel
public import AVSRPC

/// Why a call gave no answer: what the aggregator said, or what kept it from saying anything.
///
/// Everything that ``AggregatorClient`` throws is one of these. A case stands for what a caller does next; what the
/// aggregator said word for word is in its ``Details``, of the ``other(_:)`` cases too.
public enum AggregatorError: Error, Hashable, Sendable {
    /// Nobody is signed in, or the token is not or no longer accepted: sign in again. Nothing was done.
    case unauthenticated(Details)
    /// Who is signed in may not do this.
    case forbidden(Details)
    /// What was asked for is not there, or is somebody else's; ``Details/errorCode`` says which kind of thing.
    case notFound(Details)
    /// The request is wrong whatever the state of the aggregator.
    ///
    /// `field` is the part of the request that is wrong, as far as the aggregator's words name one.
    case invalidArgument(field: String?, Details)
    /// The request is fine and the state of the thing does not allow it.
    ///
    /// `reason` is the aggregator's word where it has one: `cannot_cancel`, `already_cancelled`, `cannot_delete`,
    /// `failed`, `error`.
    case refused(reason: String?, Details)
    /// A limit is reached. Nothing was done.
    case limit(Limit, Details)
    /// The aggregator cannot be reached, is going away, or has lost its storage or its chain for now. Whether a change
    /// was made is not known: with an ``IdempotencyKey`` the same call can be made again.
    case unavailable(retryAfter: Duration?, Details)
    /// The time of the call was over before the answer came. As with ``unavailable(retryAfter:_:)``, nobody knows.
    case timedOut(Details)
    /// The task that made the call was cancelled, or the call was.
    case cancelled(Details)
    /// An answer came and makes no sense: the peer is no aggregator, or one of a release that broke the contract.
    case unreadable(Details)
    /// Whatever this release has no case for.
    case other(Details)

    /// What the aggregator said.
    public struct Details: Hashable, Sendable {
        /// The code of the call.
        public var code: RPCCode
        /// The aggregator's own words, or ours when there was no answer.
        public var message: String
        /// The domain's number as it came; nil when the aggregator named none.
        public var errorNumber: Int32?
        /// Trailing metadata.
        public var metadata: Metadata

        /// Details of an error that did not come from an aggregator, as tests need them.
        public init(_ code: RPCCode, _ message: String, errorNumber: Int32? = nil, metadata: Metadata = Metadata()) {
            self.code = code
            self.message = message
            self.errorNumber = errorNumber
            self.metadata = metadata
        }

        /// The domain's number; `unspecified` when there is none, or one that this release does not know.
        public var errorCode: ErrorCode { errorNumber.flatMap(ErrorCode.init) ?? .unspecified }
    }

    /// Which limit, how high it is, and when to come back.
    public struct Limit: Hashable, Sendable {
        /// In words: `reads per caller`, `smart wallets per owner`.
        public var name: String
        /// How many are allowed, of a rate in a second; nil when the aggregator does not tell.
        public var value: Int64?
        /// When there is room again; nil for a limit that waiting does not lift.
        public var retryAfter: Duration?

        public init(name: String, value: Int64? = nil, retryAfter: Duration? = nil) {
            self.name = name
            self.value = value
            self.retryAfter = retryAfter
        }
    }

    /// What every case carries.
    public var details: Details {
        switch self {
        case .unauthenticated(let details), .forbidden(let details), .notFound(let details),
            .invalidArgument(_, let details), .refused(_, let details), .limit(_, let details),
            .unavailable(_, let details), .timedOut(let details), .cancelled(let details), .unreadable(let details),
            .other(let details):
            details
        }
    }

    /// The code of the call.
    public var code: RPCCode { details.code }
    /// The aggregator's own words, or ours when there was no answer.
    public var message: String { details.message }
    /// The domain's number; `unspecified` when there is none, or one that this release does not know.
    public var errorCode: ErrorCode { details.errorCode }
    /// The aggregator's word for a change that it refused.
    public var reason: String? { if case .refused(let reason, _) = self { reason } else { nil } }
}

extension AggregatorError: CustomStringConvertible {
    /// `NOT_FOUND (2000): task not found`
    public var description: String {
        let number = details.errorNumber.map { " (\($0))" } ?? ""
        return message.isEmpty ? "\(code)\(number)" : "\(code)\(number): \(message)"
    }
}
