public import AVSModel
public import AVSRPC

/// Why a call gave no answer: what the aggregator said, or what kept it from saying anything.
///
/// Everything that ``AggregatorClient`` throws is one of these.
public struct ClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The metadata key under which failed calls carry the domain's number (D-9).
    static let errorCodeKey = "x-ap-error-code"

    /// What to do next depends on this: `unavailable` may be tried again later, `unauthenticated` wants a new
    /// ``AggregatorClient/signIn(with:)``, `invalidArgument` another request.
    public var code: RPCCode
    /// The aggregator's own words, or ours when there was no answer.
    public var message: String
    /// The domain's number; `unspecified` when the aggregator named none, or one that this release does not know.
    public var errorCode: ErrorCode
    /// For a change of a task that was refused: the word that the aggregator has for it, such as `cannot_cancel`.
    public var refusal: String?

    public init(
        _ code: RPCCode, _ message: String, errorCode: ErrorCode = .unspecified, refusal: String? = nil
    ) {
        self.code = code
        self.message = message
        self.errorCode = errorCode
        self.refusal = refusal
    }

    /// A status with the domain's number from its trailing metadata.
    public init(_ status: RPCStatus) {
        self.init(status.code, status.message, errorCode: ErrorCode(trailers: status.metadata))
    }

    /// Whatever a call can throw. An answer that makes no sense is INTERNAL: the peer broke the contract.
    init(_ error: any Error) {
        switch error {
        case let error as ClientError: self = error
        case let status as RPCStatus: self.init(status)
        case is CancellationError: self.init(.cancelled, "the call was cancelled")
        default: self.init(.internal, "the aggregator's answer cannot be read: \(error)")
        }
    }

    /// `NOT_FOUND (2000): task not found`
    public var description: String {
        let number = errorCode == .unspecified ? "" : " (\(errorCode.rawValue))"
        return message.isEmpty ? "\(code)\(number)" : "\(code)\(number): \(message)"
    }
}

extension ErrorCode {
    /// The number in `x-ap-error-code`, decimal text.
    init(trailers: Metadata) {
        self = trailers[ClientError.errorCodeKey].flatMap(Int32.init).flatMap(ErrorCode.init) ?? .unspecified
    }
}
