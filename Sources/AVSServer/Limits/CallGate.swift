import AVSModel
import AVSPrimitives
import AVSRPC
import AVSStorage
import Synchronization

/// Keeps callers within their rates, and the handlers within what the process can carry (OVL-2, OVL-4).
///
/// It refuses before a byte of the message is decoded. What only a handler knows, the account that signed in and the
/// operator that reports, the handlers ask for here.
final class CallGate: ServerInterceptor {
    private let limits: CallLimits
    private let time: any TimeSource
    private let anonymous: Set<String>
    private let strangers: NamedRate<SourceAddress>
    private let signIns: NamedRate<SourceAddress>
    private let accounts: NamedRate<Address>
    private let reads: NamedRate<Address>
    private let writes: NamedRate<Address>
    private let trials: NamedRate<Address>
    private let keyReads: NamedRate<APIKeyID>
    private let keyWrites: NamedRate<APIKeyID>
    private let keyTrials: NamedRate<APIKeyID>
    private let reports: NamedRate<Address>
    private let slots: CallSlots
    private let memory: MemoryWatch?

    private struct SlotKey: CallValueKey { typealias Value = HeldSlot }

    /// - Parameters:
    ///   - anonymous: paths that everybody may call.
    ///   - memory: nil lets every call pass, whatever the process has resident.
    init(_ limits: CallLimits, anonymous: Set<String>, memory: MemoryWatch? = nil, time: any TimeSource) {
        self.memory = memory
        self.limits = limits
        self.time = time
        self.anonymous = anonymous
        strangers = NamedRate("unauthenticated calls per address", "unauthenticated_per_address", limits.strangers)
        signIns = NamedRate("sign-ins per address", "sign_ins_per_address", limits.signInsPerAddress)
        accounts = NamedRate("sign-ins per wallet", "sign_ins_per_wallet", limits.signInsPerAccount)
        reads = NamedRate("reads per caller", "reads_per_caller", limits.readsPerCaller)
        writes = NamedRate("writes per caller", "writes_per_caller", limits.writesPerCaller)
        trials = NamedRate("simulations per caller", "simulations_per_caller", limits.trialsPerCaller)
        keyReads = NamedRate("reads per API key", "reads_per_api_key", limits.readsPerKey)
        keyWrites = NamedRate("writes per API key", "writes_per_api_key", limits.writesPerKey)
        keyTrials = NamedRate("simulations per API key", "simulations_per_api_key", limits.trialsPerKey)
        reports = NamedRate("notifications per operator", "notifications_per_operator", limits.reportsPerOperator)
        slots = CallSlots(limits)
    }

    // MARK: Interceptor

    func admit(_ call: inout CallContext) async throws {
        let workClass = CallClass.of(call.method)
        try memory?.admit(workClass, spread: call.peer.hashValue)
        if anonymous.contains(call.method.text) {
            try admitStranger(call)
            if call.method.method == "GetKey" { try take(signIns, SourceAddress(call.peer)) }
        } else if case .user(let account) = call[Caller.Key.self] {
            switch workClass {
            case .read: try take(reads, account, keyReads, own: \.reads, call)
            case .create, .change: try take(writes, account, keyWrites, own: \.writes, call)
            case .trial: try take(trials, account, keyTrials, own: \.simulations, call)
            case .control, .report: break
            }
        }
        // An operator does not repeat a lost report, and a probe must see the process as it is.
        guard workClass > .report else { return }
        call[SlotKey.self] = HeldSlot(try await slots.take(for: caller(of: call), workClass))
    }

    func ended(_ call: CallContext, with status: RPCStatus) { release(call) }

    /// The call's handler only waits from here on, for work that has bounds of its own: it leaves its place to others.
    /// Otherwise callers who wait for long runs would keep everybody from reading.
    func release(_ call: CallContext) {
        if let slot = call[SlotKey.self]?.take() { slots.give(back: slot) }
    }

    /// Calls that run and calls that wait for a place.
    var load: (running: Int, waiting: Int) { slots.load }

    private func caller(of call: CallContext) -> CallQueue.Caller {
        if case .user(let account) = call[Caller.Key.self] { return .account(account) }
        return .source(SourceAddress(call.peer))
    }

    // MARK: What others ask

    /// One call of somebody who proved nothing.
    func admitStranger(_ call: CallContext) throws(RPCStatus) {
        try take(strangers, SourceAddress(call.peer))
    }

    /// A sign-in that is right.
    func admitSignIn(of account: Address) throws(RPCStatus) { try take(accounts, account) }

    /// A report of an operator that is who it says.
    func admitReport(of node: Address) throws(RPCStatus) { try take(reports, node) }

    /// The key's own rate first: a key that is used too much does not use up what its account has.
    private func take(
        _ rate: NamedRate<Address>, _ account: Address, _ keyRate: NamedRate<APIKeyID>,
        own: KeyPath<APIKeyRates, CallRate?>, _ call: CallContext
    ) throws(RPCStatus) {
        if let use = call[APIKeyUse.self] { try take(keyRate, use.id, own: use.rates[keyPath: own]) }
        try take(rate, account)
    }

    private func take<Key>(_ rate: NamedRate<Key>, _ key: Key, own: CallRate? = nil) throws(RPCStatus) {
        guard let allowed = own ?? rate.table.rate, let wait = rate.table.take(key, at: time.monotonic, own: own) else {
            return
        }
        throw .tooMany(
            "too many \(rate.name): \(allowed.perSecond) a second are allowed, \(allowed.burst) at once",
            limit: own == nil ? rate.limit : "the API key's own rate, in place of \(rate.limit)", retryAfter: wait,
            spread: key.hashValue)
    }
}

/// A rate with its names: one for people, one of the configuration.
private struct NamedRate<Key: Hashable & Sendable>: Sendable {
    let name: String
    let limit: String
    let table: RateTable<Key>

    init(_ name: String, _ limit: String, _ rate: CallRate?) {
        self.name = name
        self.limit = "limits.\(limit)"
        table = RateTable(rate)
    }
}

/// A place that is given back once, by its handler or at the end of the call.
private final class HeldSlot: Sendable {
    private let slot: Mutex<CallQueue.Slot?>

    init(_ slot: CallQueue.Slot) { self.slot = Mutex(slot) }

    func take() -> CallQueue.Slot? { slot.withLock { $0.take() } }
}

extension RPCStatus {
    /// A rate or a number of calls that a caller went beyond. The text ends with when to repeat.
    ///
    /// - Parameter limit: its name in the configuration.
    static func tooMany(_ message: String, limit: String, retryAfter: Duration, spread: Int) -> RPCStatus {
        let retry = RetryAdvice(after: retryAfter, spread: spread)
        return RPCStatus(.resourceExhausted, .tooManyRequests, "\(message); try again in \(retry.milliseconds) ms")
            .with(retry, limit: limit, message)
    }

    /// RESOURCE_EXHAUSTED for something that passes by itself.
    static func passing(
        _ domain: ErrorCode, _ message: String, limit: String, retryAfter: Duration, spread: Int
    ) -> RPCStatus {
        RPCStatus(.resourceExhausted, domain, message)
            .with(RetryAdvice(after: retryAfter, spread: spread), limit: limit)
    }

    /// The end of a stream whose operator does not take what is sent (OVL-8).
    static func tooSlow(limit: Int, retryAfter: Duration, spread: Int) -> RPCStatus {
        .passing(
            .rateLimitExceeded, "operator too slow: more than \(limit) changes wait to be sent",
            limit: "changes that wait for one operator", retryAfter: retryAfter, spread: spread)
    }

    /// RESOURCE_EXHAUSTED for something of which there may only be so many: repeating the call changes nothing.
    static func full(_ domain: ErrorCode, _ message: String, limit: String) -> RPCStatus {
        RPCStatus(.resourceExhausted, domain, message).with(.never, limit: limit)
    }
}
