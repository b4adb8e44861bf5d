import AVSEthereum
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSWorkflow
import BigInt
import Logging

/// The operations of one wallet while its lane is held: makes, sends, looks up, waits.
///
/// - Source: execution-engine 7.8, reliability-security XO-16 and XO-18.
struct Delivery: Sendable {
    let sender: UserOperationSender
    let chain: OperationChain
    let lane: LaneKey

    private var book: IntentBook { sender.book }
    private var time: any TimeSource { sender.time }
    private var lookup: OperationLookup { OperationLookup(chain: chain) }

    // MARK: A new operation

    /// Makes the operation, writes it down, sends it and waits for it.
    func begin(_ call: WalletCall, _ order: WalletOrder, _ wallet: SmartWallet) async throws -> SentCall {
        let builder = UserOperationBuilder(
            chain: chain, signer: sender.signer, time: time, executionFee: try await executionFee(of: order))
        var call = call
        var isSponsored = chain.paymaster != nil
        var nonce = try await nextNonce()
        var conflicts = 0
        while true {
            let signed = try await builder.build(call, by: wallet, nonce: nonce, isSponsored: isSponsored)
            let refusal: BundlerError
            do throws(Refusal) {
                if isSponsored { try await simulate(signed.operation) }
                return try await send(signed, order)
            } catch .bundler(let error) {
                refusal = error
            } catch .other(let error) {
                throw error
            }
            if conflicts < UserOperationSender.attempts, refusal.isNonceConflict || refusal.refusesForm,
                let next = try await nextNonce(after: nonce, refusal)
            {
                conflicts += 1
                nonce = next
            } else if isSponsored, refusal.refusesForm {
                isSponsored = false  // once: the original call, paid for by the wallet
                call.reimburses = false
            } else {
                throw WalletCallFailure.notSent(refusal.explanation)
            }
        }
    }

    /// A run pays for itself once, with its first operation, however many it has (8.1).
    private func executionFee(of order: WalletOrder) async throws -> UInt256 {
        guard order.isOfRun, try await book.isFirst(order) else { return .zero }
        return sender.executionFee
    }

    /// Why an attempt ended.
    private enum Refusal: Error {
        /// The bundler has said no, and nothing was sent.
        case bundler(BundlerError)
        case other(any Error)
    }

    /// What the bundler would say, from those that can tell; others are not asked again.
    private func simulate(_ operation: UserOperation) async throws(Refusal) {
        do throws(ChainError) {
            try await chain.bundler.simulate(operation, at: chain.entryPoint)
        } catch {
            let error = BundlerError(error)
            guard !error.lacksMethod else { return }
            if error.isRefusal { throw .bundler(error) }
            throw .other(error.error)
        }
    }

    private func send(_ signed: SignedOperation, _ order: WalletOrder) async throws(Refusal) -> SentCall {
        let operation = signed.operation
        let intent = Intent(
            step: order.step, requestDigest: order.requestDigest, createdAt: time.now, chainID: chain.id,
            entryPoint: chain.entryPoint, sender: operation.sender, nonce: operation.nonce,
            hash: operation.hash(entryPoint: chain.entryPoint, chainID: chain.id),
            operation: operation.json.serializedBytes, validUntil: signed.validUntil, fromBlock: signed.fromBlock)
        do {
            let key = try await book.open(intent, for: order)
            try Failpoint.hit(.effectAfterIntent)
            return try await deliver(intent, key, patience: order.patience)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw .other(error)
        }
    }

    // MARK: Nonces

    /// What the chain says, unless we know better: its node may lag behind.
    private func nextNonce() async throws -> UInt256 {
        let known = try await book.lane(lane).lane.nextNonce
        return max(try await onChainNonce(), known)
    }

    private func onChainNonce() async throws(ChainError) -> UInt256 {
        try await chain.client.walletNonce(of: lane.sender, entryPoint: chain.entryPoint)
    }

    /// The nonce for another try; `nil` where the nonce is not what is wrong.
    private func nextNonce(after used: UInt256, _ refusal: BundlerError) async throws -> UInt256? {
        let onChain = try await onChainNonce()
        if onChain > used { return onChain }
        if onChain < used {
            if await isPredecessorWaiting(before: used) {
                try await pause(.seconds(2))
                return used
            }
            try await book.reset(lane, to: onChain)
            return onChain
        }
        guard refusal.isNonceConflict, let next = UInt256(used.magnitude + 1) else { return nil }
        // Somebody else's operation has it. The wallet's own key may send too.
        await hurry()
        let end = time.monotonic + .seconds(60)
        while try await onChainNonce() < next {
            guard time.monotonic < end else { return nil }
            try await pause(.seconds(3))
        }
        return next
    }

    /// True also where the bundler does not tell.
    private func isPredecessorWaiting(before nonce: UInt256) async -> Bool {
        do {
            return try await chain.bundler.waitingUserOperations(at: chain.entryPoint)
                .contains { $0.sender == lane.sender && $0.nonce < nonce }
        } catch {
            return true
        }
    }

    // MARK: Sending

    /// Hands the operation over, as often as it takes to know that it arrived, and waits for it.
    ///
    /// - Throws: ``Refusal/bundler(_:)``, and then the intent is gone; ``WalletCallFailure/outcomeUnknown(_:_:)``.
    private func deliver(_ intent: Intent, _ key: IntentKey, patience: Duration) async throws -> SentCall {
        guard let operation = UserOperation(json: try JSONValue(parsing: intent.operation)) else {
            throw WalletCallFailure.notSent("the recorded user operation \(intent.hash.hex) cannot be read")
        }
        var reason = ""
        for attempt in 1...UserOperationSender.attempts {
            guard let error = await hand(over: operation, intent) else {
                return try await accepted(intent, key, patience: patience)
            }
            reason = error.explanation
            if let sent = try await look(after: error, intent, key, patience: patience) { return sent }
            try await pause(.seconds(attempt))
        }
        throw WalletCallFailure.outcomeUnknown(intent.hash, reason)
    }

    /// - Returns: `nil` when the bundler has taken it.
    private func hand(over operation: UserOperation, _ intent: Intent) async -> BundlerError? {
        do throws(ChainError) {
            let hash = try await chain.bundler.send(operation, to: chain.entryPoint)
            if hash != intent.hash {
                sender.logger.error(
                    "the bundler computes another hash", metadata: ["ours": "\(intent.hash)", "theirs": "\(hash)"])
            }
            return nil
        } catch {
            return BundlerError(error)
        }
    }

    private func accepted(_ intent: Intent, _ key: IntentKey, patience: Duration) async throws -> SentCall {
        try Failpoint.hit(.effectAfterSend)
        try await book.markSent(key, now: time.now)
        await hurry()
        return try await confirm(intent, key, patience: patience)
    }

    /// After a send that failed: what became of it. `nil` is nothing, so it may be sent again.
    private func look(
        after error: BundlerError, _ intent: Intent, _ key: IntentKey, patience: Duration
    ) async throws -> SentCall? {
        switch await lookup.standing(of: intent) {
        case .done(let receipt, let succeeded): return try await finish(intent, key, receipt, succeeded)
        case .waiting: return try await accepted(intent, key, patience: patience)
        case .absent, .replaced, .unknown:
            // What was refused and is known to nobody never was; in any other case it may still arrive.
            guard error.isRefusal else { return nil }
            try await book.discard(key, lane: lane)
            throw Refusal.bundler(error)
        }
    }

    /// Bundlers for development send at once when told to; others do not know the word.
    private func hurry() async {
        do { try await chain.bundler.sendBundleNow() } catch {}
    }

    // MARK: Waiting

    /// Asks for the outcome until it is there or patience ends; the intent stays open then.
    private func confirm(_ intent: Intent, _ key: IntentKey, patience: Duration) async throws -> SentCall {
        let end = time.monotonic + patience
        var wait = Duration.seconds(1)
        while true {
            // What cannot be asked is not known yet.
            if case .done(let receipt, let succeeded)? = await lookup.outcomeIfKnown(of: intent) {
                return try await finish(intent, key, receipt, succeeded)
            }
            guard time.monotonic < end else { return intent.sent(.waiting) }
            try await pause(min(wait, end - time.monotonic))
            wait = min(wait * 1.5, .seconds(5))
        }
    }

    private func finish(
        _ intent: Intent, _ key: IntentKey, _ receipt: TransactionReceipt, _ succeeded: Bool
    ) async throws -> SentCall {
        try await book.finish(
            key, .carriedOut(transaction: receipt.transactionHash, succeeded: succeeded), now: time.now)
        try Failpoint.hit(.effectAfterOutcome)
        return intent.sent(.carriedOut(receipt, succeeded: succeeded))
    }

    private func pause(_ duration: Duration) async throws {
        try await time.sleep(until: time.monotonic + duration)
    }

    // MARK: What was begun earlier

    /// Goes on with an operation of a process that is gone, or of an earlier call with the same name.
    ///
    /// - Returns: `nil` when it can be made anew: it is known to nobody and nobody would accept it any more.
    func goOn(with intent: Intent, _ key: IntentKey, patience: Duration) async throws -> SentCall? {
        let end = time.monotonic + patience
        while true {
            switch await lookup.standing(of: intent) {
            case .done(let receipt, let succeeded): return try await finish(intent, key, receipt, succeeded)
            case .waiting: return try await confirm(intent, key, patience: patience)
            case .absent(isExpired: true):
                try await book.discard(key, lane: lane)
                return nil
            case .absent where intent.isFinal, .replaced where intent.isFinal, .unknown where intent.isFinal:
                throw WalletCallFailure.notSent(intent.lossOrUnreadable)
            case .absent:
                do {
                    return try await deliver(intent, key, patience: patience)  // the same bytes again
                } catch Refusal.bundler(let error) {
                    throw WalletCallFailure.notSent(error.explanation)
                }
            case .replaced:
                let reason = "user operation \(intent.hash.hex) was not sent: nonce \(intent.nonce) was used by another"
                try await book.finish(key, .lost(reason), now: time.now)
                throw WalletCallFailure.notSent(reason)
            case .unknown(let reason):
                guard time.monotonic < end else { throw WalletCallFailure.outcomeUnknown(intent.hash, reason) }
                try await pause(.seconds(3))
            }
        }
    }

    /// Brings the wallet's operation that is still open to its end, whoever it was for: one lane, one at a time.
    func settle(patience: Duration) async throws {
        let state = try await book.lane(lane)
        guard let key = state.lane.open, let intent = state.open else { return }
        let name = "an earlier user operation of this wallet (\(intent.hash.hex))"
        switch await lookup.standing(of: intent) {
        case .done(let receipt, let succeeded): _ = try await finish(intent, key, receipt, succeeded)
        case .waiting:
            guard case .waiting = try await confirm(intent, key, patience: patience).fate else { return }
            throw WalletCallFailure.notSent("\(name) is still waiting to be carried out")
        case .absent(let isExpired):
            // A run that will go on is kept its promise; a call that is gone is not acted on behind its back.
            if !isExpired, try await book.isAwaited(key) {
                try await keepPromise(intent, key, name, patience: patience)
            } else {
                try await book.finish(key, .lost("user operation \(intent.hash.hex) never arrived"), now: time.now)
            }
        case .replaced:
            let reason = "nonce \(intent.nonce) of user operation \(intent.hash.hex) was used by another"
            try await book.finish(key, .lost(reason), now: time.now)
        case .unknown(let reason):
            throw WalletCallFailure.notSent("what became of \(name) cannot be found out: \(reason)")
        }
    }

    /// Sends what another run wrote down; that it is refused is that run's to report.
    private func keepPromise(_ intent: Intent, _ key: IntentKey, _ name: String, patience: Duration) async throws {
        do {
            guard case .waiting? = try await goOn(with: intent, key, patience: patience)?.fate else { return }
            throw WalletCallFailure.outcomeUnknown(intent.hash, "still waiting to be carried out")
        } catch WalletCallFailure.notSent {
            return
        } catch WalletCallFailure.outcomeUnknown(_, let reason) {
            throw WalletCallFailure.notSent("what becomes of \(name) is not known yet: \(reason)")
        }
    }
}

extension Intent {
    fileprivate func sent(_ fate: SentCall.Fate) -> SentCall {
        let json: JSONValue?
        do throws(JSONError) { json = try JSONValue(parsing: operation) } catch { json = nil }
        let callData = json.flatMap { UserOperation(json: $0) }?.callData ?? []
        return SentCall(userOperation: hash, sender: sender, nonce: nonce, callData: callData, fate: fate)
    }

    /// Why nothing more is done for an operation that came to its end.
    fileprivate var lossOrUnreadable: String {
        if case .final(.lost(let reason)) = state { return reason }
        return "the receipt of user operation \(hash.hex) cannot be read"
    }
}
