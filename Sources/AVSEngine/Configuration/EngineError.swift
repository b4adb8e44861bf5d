public import AVSModel
public import AVSPrimitives

/// Why the engine refused or could not do something. Every case changed nothing.
///
/// One table of the server turns these into a gRPC status, a message and an ``ErrorCode``.
public enum EngineError: Error, Hashable, Sendable {
    /// No such task, or another owner's: the two are not told apart.
    case taskNotFound
    case executionNotFound
    case walletNotFound
    case secretNotFound
    case apiKeyNotFound
    /// The root key cannot go yet; the text says why.
    case rootKeyInUse(String)
    /// The caller's idempotency key was used for another call within the last day.
    case keyReused
    /// The task's status, limit or times do not allow a run.
    case notRunnable(RunRefusal)
    /// The wallet is neither registered for the caller nor the caller's default wallet.
    case foreignWallet
    /// The owner has `limit` wallets already.
    case walletLimit(Int)
    /// `name` says what is bounded, `limit` its value.
    case quota(name: String, limit: Int)
    /// As ``quota(name:limit:)``, of something that gets less by itself: repeating the call later can succeed.
    case queueFull(name: String, limit: Int)
    /// Free space is low, so nothing new is taken in for now; `what` names what was asked for.
    case spaceLow(what: String)
    /// A chain did not answer: `action` says what was asked, `cause` why it failed.
    case chain(action: String, cause: String)
    /// No chain with this id is configured.
    case unknownChain(UInt64)
    /// A stored record cannot be read. `what` names the kind of record.
    case corrupted(what: String)
    /// A second stream of this operator came too soon after the last.
    case reconnectTooFast(waited: Duration, cooldown: Duration)
    /// Not on the list of approved operators.
    case notApproved(Address)
    /// The service is shutting down.
    case shuttingDown
}
