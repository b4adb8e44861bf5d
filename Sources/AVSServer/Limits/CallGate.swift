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
    private let strangers: RateTable<SourceAddress>
    private let signIns: RateTable<SourceAddress>
    private let accounts: RateTable<Address>
    private let reads: RateTable<Address>
    private let writes: RateTable<Address>
    private let trials: RateTable<Address>
    private let reports: RateTable<Address>
    private let slots: CallSlots

    private struct SlotKey: CallValueKey { typealias Value = HeldSlot }

    /// - Parameter anonymous: paths that everybody may call.
    init(_ limits: CallLimits, anonymous: Set<String>, time: any TimeSource) {
        self.limits = limits
        self.time = time
        self.anonymous = anonymous
        strangers = RateTable(limits.strangers)
        signIns = RateTable(limits.signInsPerAddress)
        accounts = RateTable(limits.signInsPerAccount)
        reads = RateTable(limits.readsPerCaller)
        writes = RateTable(limits.writesPerCaller)
        trials = RateTable(limits.trialsPerCaller)
        reports = RateTable(limits.reportsPerOperator)
        slots = CallSlots(limits)
    }

    // MARK: Interceptor

    func admit(_ call: inout CallContext) async throws {
        let workClass = CallClass.of(call.method)
        if anonymous.contains(call.method.text) {
            try admitStranger(call)
            if call.method.method == "GetKey" { try take(signIns, SourceAddress(call.peer), "sign-ins per address") }
        } else if case .user(let account) = call[Caller.Key.self] {
            switch workClass {
            case .read: try take(reads, account, "reads per caller")
            case .create, .change: try take(writes, account, "writes per caller")
            case .trial: try take(trials, account, "simulations per caller")
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
        try take(strangers, SourceAddress(call.peer), "unauthenticated calls per address")
    }

    /// A sign-in that is right.
    func admitSignIn(of account: Address) throws(RPCStatus) { try take(accounts, account, "sign-ins per wallet") }

    /// A report of an operator that is who it says.
    func admitReport(of node: Address) throws(RPCStatus) { try take(reports, node, "notifications per operator") }

    private func take<Key>(_ table: RateTable<Key>, _ key: Key, _ name: String) throws(RPCStatus) {
        guard let wait = table.take(key, at: time.monotonic) else { return }
        throw .tooMany("too many \(name)", retryAfter: wait, spread: key.hashValue)
    }
}

/// A place that is given back once, by its handler or at the end of the call.
private final class HeldSlot: Sendable {
    private let slot: Mutex<CallQueue.Slot?>

    init(_ slot: CallQueue.Slot) { self.slot = Mutex(slot) }

    func take() -> CallQueue.Slot? { slot.withLock { $0.take() } }
}

extension RPCStatus {
    /// RESOURCE_EXHAUSTED that says when to repeat, ±20 % by caller, so that not all come back at once (OVL-5).
    static func tooMany(_ message: String, retryAfter: Duration, spread: Int) -> RPCStatus {
        var status = RPCStatus(.resourceExhausted, .tooManyRequests, message)
        let milliseconds = retryAfter / .milliseconds(1)
        let share = 80 + Double(spread.magnitude % 41)
        do {
            try status.metadata.add("grpc-retry-pushback-ms", "\(Int(min(60_000, milliseconds * share / 100)) + 1)")
        } catch {
            assertionFailure("a valid name and digits: \(error)")
        }
        return status
    }
}
