import AVSEngine
import AVSModel
public import AVSRPC
import AVSStorage

extension RPCStatus {
    /// A status with the domain's number in its trailer.
    init(_ code: RPCCode, _ domain: ErrorCode, _ message: String) {
        self.init(code, message)
        if domain != .unspecified { metadata = .errorCode(domain) }
    }

    /// The one table from errors to what a caller sees. An error that is not in it says nothing of itself: its cause
    /// is for the log (LOG-4).
    ///
    /// - Source: aggregator-api 2.2, 2.3 and the tables of each rpc.
    public init(answering error: any Error) {
        switch error {
        case let status as RPCStatus: self = status
        case let invalid as InvalidArgument: self.init(.invalidArgument, invalid.code, invalid.message)
        case let malformed as MalformedTrigger: self.init(.invalidArgument, .invalidRequest, malformed.description)
        case let refusal as EngineError: self.init(refusal)
        case let storage as StorageError: self.init(storage)
        case let trouble as SecretTrouble: self.init(trouble)
        case let trouble as BackupError: self.init(trouble)
        case is CancellationError: self.init(.cancelled, "the call was cancelled")
        default: self.init(.internal, .executionEngineError, "internal error")
        }
    }

    private init(_ error: EngineError) {
        switch error {
        case .taskNotFound: self.init(.notFound, .taskNotFound, "task not found")
        case .executionNotFound: self.init(.notFound, .executionNotFound, "execution not found")
        case .walletNotFound:
            self.init(.notFound, .walletNotFound, "Wallet not found for the specified salt and factory.")
        case .secretNotFound: self.init(.notFound, .secretNotFound, "Secret not found")
        case .rootKeyInUse(let reason):
            self.init(.failedPrecondition, .invalidRequest, "the root key stays: \(reason)")
        case .apiKeyNotFound: self.init(.notFound, .invalidRequest, "API key not found")
        case .keyReused:
            self.init(.invalidArgument, .invalidRequest, "the idempotency key was used for another request")
        case .notRunnable:
            let text = "task cannot be executed: either reached max execution, expired, or not yet started"
            self.init(.failedPrecondition, .taskAlreadyCompleted, text)
        case .foreignWallet: self.init(.invalidArgument, .invalidAddress, "invalid smart account address")
        case .walletLimit(let limit):
            let text = "max smart wallet count reached for owner (limit=\(limit))"
            self = .full(.quotaExceeded, text, limit: "limits.wallets_per_owner")
        case .quota(let name, let limit):
            self = .full(.quotaExceeded, Self.limitText(name, limit), limit: Self.configurationKey(ofLimit: name))
        case .queueFull(let name, let limit):
            self = .passing(
                .quotaExceeded, Self.limitText(name, limit), limit: Self.configurationKey(ofLimit: name),
                retryAfter: .seconds(1), spread: name.hashValue)
        case .spaceLow(let what):
            let text = "storage is nearly full: \(what) are not taken in for now"
            self = .passing(
                .storageUnavailable, text, limit: "disk.soft", retryAfter: .seconds(30), spread: what.hashValue)
        case .chain(let action, let cause): self.init(.unavailable, .rpcNodeError, "failed to \(action): \(cause)")
        case .unknownChain(let id): self.init(.invalidArgument, .invalidRequest, "chain \(id) is not configured")
        case .corrupted(let what): self.init(.dataLoss, .taskDataCorrupted, "\(what) data storage is corrupted")
        case .reconnectTooFast(let waited, let cooldown):
            let text = "reconnecting too fast, wait \(cooldown.components.seconds)s (last connect was \(waited) ago)"
            self = .passing(
                .rateLimitExceeded, text, limit: "one stream per operator and \(cooldown.components.seconds)s",
                retryAfter: cooldown - waited, spread: 0)
        case .notApproved(let address):
            self.init(.permissionDenied, .forbidden, "operator \(address) is not approved")
        case .shuttingDown: self.init(.unavailable, .storageUnavailable, "the service is shutting down")
        }
    }

    private static func limitText(_ name: String, _ limit: Int) -> String { "limit reached: at most \(limit) \(name)" }

    /// How the configuration calls a limit of the engine; the engine's own name for one that cannot be configured.
    private static func configurationKey(ofLimit name: String) -> String {
        let keys = [
            "tasks per owner": "tasks_per_owner", "secrets per owner": "secrets_per_owner",
            "bytes per secret": "secret_size", "queued executions": "queued_in_all",
            "queued executions per owner": "queued_per_owner", "queued executions per task": "queued_per_task",
        ]
        return keys[name].map { "limits.\($0)" } ?? name
    }

    private init(_ trouble: SecretTrouble) {
        switch trouble {
        // Nothing that repeating the call would change.
        case .noRootKey, .unknownRootKey, .notAuthentic:
            self.init(.failedPrecondition, .storageUnavailable, trouble.description)
        case .library: self.init(.internal, .storageWriteError, "Cannot save data")
        }
    }

    private init(_ trouble: BackupError) {
        switch trouble {
        case .alreadyRunning, .alreadyStarted: self.init(.failedPrecondition, .invalidRequest, trouble.description)
        case .notFound: self.init(.notFound, .invalidRequest, trouble.description)
        case .notProven: self.init(.dataLoss, .taskDataCorrupted, trouble.description)
        case .stopping: self.init(.unavailable, .storageUnavailable, trouble.description)
        case .cancelled: self.init(.cancelled, trouble.description)
        }
    }

    private init(_ error: StorageError) {
        switch error {
        case .undecodable, .corrupt: self.init(.dataLoss, .taskDataCorrupted, "task data storage is corrupted")
        case .overloaded(let text):
            self = .passing(
                .tooManyRequests, "storage is overloaded: \(text)", limit: "storage queue", retryAfter: .seconds(1),
                spread: text.hashValue)
        case .readOnly(let reason): self.init(.unavailable, .storageUnavailable, "storage is read-only: \(reason)")
        case .outcomeUnknown: self.init(.unavailable, .storageUnavailable, "outcome unknown")
        case .tooLarge(let bytes, let limit):
            let text = "the change is \(bytes) bytes, at most \(limit) are allowed"
            self = .full(.quotaExceeded, text, limit: "store.batch_max")
        case .noSpace: self.init(.unavailable, .storageUnavailable, "storage is read-only: disk full")
        case .locked, .rolledBack, .notFound, .unusable, .closed, .misuse, .io:
            self.init(.unavailable, .storageUnavailable, "storage is not ready")
        }
    }
}

extension Metadata {
    /// The trailer that carries the domain's error number, as decimal text (D-9).
    static func errorCode(_ code: ErrorCode) -> Metadata {
        var metadata = Metadata()
        do {
            try metadata.add("x-ap-error-code", "\(code.rawValue)")
        } catch {
            assertionFailure("a valid name and digits: \(error)")
        }
        return metadata
    }
}
