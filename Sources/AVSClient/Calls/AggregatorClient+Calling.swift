import AVSPrimitives
import AVSProto
import AVSRPC
import AVSTransport
import AVSWire

/// Whether a call may be made again when nobody knows what became of it.
enum Repetition {
    /// It changes nothing, or nothing more the second time.
    case safe
    /// It changes something; repeatable under a key only.
    case change(IdempotencyKey?)

    fileprivate var key: IdempotencyKey? { if case .change(let key) = self { key } else { nil } }

    fileprivate var isRepeatable: Bool {
        switch self {
        case .safe: true
        case .change(let key): key != nil
        }
    }
}

/// Who may make a call.
enum Access {
    case everybody
    /// Whoever is signed in.
    case owner
}

extension AggregatorClient {
    /// One rpc: token, deadline, retries, and every failure as an ``AggregatorError``.
    func call<Input, Output>(
        _ method: ProtoMethod<Input, Output>, _ request: Input, _ repetition: Repetition, for access: Access = .owner,
        timeout: Duration? = nil
    ) async throws(AggregatorError) -> Output {
        try await response(method, request, repetition, for: access, timeout: timeout).message
    }

    /// ``call(_:_:_:for:timeout:)`` with the metadata around the answer.
    func response<Input, Output>(
        _ method: ProtoMethod<Input, Output>, _ request: Input, _ repetition: Repetition, for access: Access = .owner,
        timeout: Duration? = nil
    ) async throws(AggregatorError) -> RPCResponse<Output> {
        var effort = Effort(
            configuration, isRepeatable: repetition.isRepeatable,
            deadline: time.monotonic + (timeout ?? configuration.timeout))
        while true {
            let session: Session? = access == .owner ? try await signedIn() : nil
            do throws(AggregatorError) {
                return try await attempt(method, request, session, repetition.key, until: effort.deadline)
            } catch .unauthenticated where access == .owner && signer != nil && effort.mayRenew() {
                // It was refused before anything was done, so making it again is no repetition.
                try await renew(insteadOf: session)
            } catch {
                guard let next = effort.next(after: error, now: time.monotonic) else { throw error }
                try await pause(until: next)
            }
        }
    }

    private func attempt<Input, Output>(
        _ method: ProtoMethod<Input, Output>, _ request: Input, _ session: Session?, _ key: IdempotencyKey?,
        until deadline: ContinuousClock.Instant
    ) async throws(AggregatorError) -> RPCResponse<Output> {
        var options = CallOptions(timeout: time.monotonic.duration(to: deadline))
        if let session {
            do {
                try options.metadata.add("authkey", session.token.exposed)
            } catch {
                let text = "the token cannot be sent: only printable ASCII is allowed in it"
                throw .unauthenticated(.init(.unauthenticated, text))
            }
        }
        do {
            if let key { try options.metadata.add("idempotency-key", key.description) }
            return try await channel.unaryResponse(
                method.methodPath, request, request: ProtoCodec<Input>(), response: ProtoCodec<Output>(),
                options: options)
        } catch {
            throw AggregatorError(error)
        }
    }

    private func pause(until instant: ContinuousClock.Instant) async throws(AggregatorError) {
        do { try await time.sleep(until: instant) } catch { throw AggregatorError(error) }
    }

    private func renew(insteadOf session: Session?) async throws(AggregatorError) {
        guard let signer else { return }
        _ = try await keeper.session(insteadOf: session) { () async throws(AggregatorError) -> Session in
            try await self.newSession(signer)
        }
    }

    /// Who is signed in; a client with a signer signs in when nobody is.
    ///
    /// - Throws: ``AggregatorError/unauthenticated(_:)`` without a session: such a call need not be sent.
    func signedIn() async throws(AggregatorError) -> Session {
        if session == nil { try await renew(insteadOf: nil) }
        guard let session else {
            let text = "not signed in: call signIn(with:) first, or give the client a signer"
            throw .unauthenticated(.init(.unauthenticated, text, errorNumber: 1_000))
        }
        return session
    }

    /// Turns an answer into domain values; one that makes no sense is INTERNAL.
    func reading<Value>(_ body: () throws -> Value) throws(AggregatorError) -> Value {
        do { return try body() } catch { throw AggregatorError(error) }
    }
}

/// What is left of the tries of one call.
private struct Effort {
    let deadline: ContinuousClock.Instant
    private var remaining: Int
    private var renewals = 1
    private var backoff: Backoff
    private var random = SystemRandomNumberGenerator()

    init(_ configuration: AggregatorClient.Configuration, isRepeatable: Bool, deadline: ContinuousClock.Instant) {
        self.deadline = deadline
        remaining = isRepeatable ? max(1, configuration.attempts) - 1 : 0
        backoff = configuration.backoff
    }

    /// Once per call: a token that was just made and is not accepted will not be the second time.
    mutating func mayRenew() -> Bool {
        defer { renewals = 0 }
        return renewals > 0
    }

    /// When to try again; nil when that would be wrong, useless or too late.
    mutating func next(after error: AggregatorError, now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        guard remaining > 0 else { return nil }
        let wanted: Duration?
        switch error {
        case .unavailable(let pause, _): wanted = pause ?? backoff.next(using: &random)
        case .limit(let limit, _): wanted = limit.retryAfter
        default: wanted = nil
        }
        guard let wanted, now + wanted < deadline else { return nil }
        remaining -= 1
        return now + wanted
    }
}
