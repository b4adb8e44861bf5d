/// The domain's own error number, beside the gRPC status code.
///
/// It travels in `error_code` fields of answers and steps, and as decimal text in the trailing metadata
/// `x-ap-error-code` of every failed call (decision D-9). It is never used as a gRPC status (D-8).
///
/// - Source: aggregator-api 1.3, *ErrorCode*.
public enum ErrorCode: Int32, Sendable, Hashable, CaseIterable {
    case unspecified = 0
    case unauthorized = 1000
    case forbidden = 1001
    case invalidSignature = 1002
    case expiredToken = 1003
    case taskNotFound = 2000
    case executionNotFound = 2001
    case walletNotFound = 2002
    case secretNotFound = 2003
    case tokenMetadataNotFound = 2004
    case invalidRequest = 3000
    case invalidTriggerConfig = 3001
    case invalidNodeConfig = 3002
    case invalidWorkflow = 3003
    case invalidAddress = 3004
    case invalidSignatureFormat = 3005
    case missingRequiredField = 3006
    case taskAlreadyExists = 4000
    case taskAlreadyCompleted = 4001
    case taskAlreadyCancelled = 4002
    case executionInProgress = 4003
    case walletAlreadyExists = 4004
    case secretAlreadyExists = 4005
    case rpcNodeError = 5000
    case tenderlyAPIError = 5001
    case tokenLookupError = 5002
    case simulationError = 5003
    case storageUnavailable = 6000
    case storageWriteError = 6001
    case storageReadError = 6002
    case taskDataCorrupted = 6003
    case executionEngineError = 6004
    case rateLimitExceeded = 7000
    case quotaExceeded = 7001
    case tooManyRequests = 7002
    case smartWalletRPCError = 8000
    case smartWalletNotFound = 8001
    case smartWalletDeploymentError = 8002
    case insufficientBalance = 8003
    case insufficientCredit = 8004
}
