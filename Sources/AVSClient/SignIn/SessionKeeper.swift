import Synchronization

/// The session that calls share, and the one renewal of it that may be going on.
final class SessionKeeper: Sendable {
    typealias SignIn = @Sendable () async throws(AggregatorError) -> Session

    private struct Renewal {
        /// Ends by itself within the time of two calls, or when nobody waits for it any more.
        var task: Task<Result<Session, AggregatorError>, Never>
        var number: Int
        var waiting: Int
    }

    private struct State {
        var session: Session?
        var renewal: Renewal?
        var renewals = 0
    }

    private let state: Mutex<State>

    init(_ session: Session?) { state = Mutex(State(session: session)) }

    var session: Session? {
        get { state.withLock { $0.session } }
        set { state.withLock { $0.session = newValue } }
    }

    /// Another session than the one that was not accepted.
    ///
    /// Calls that are refused at the same time share one sign-in. A caller that is cancelled leaves it to the others;
    /// the last one ends it.
    func session(insteadOf rejected: Session?, _ signIn: @escaping SignIn) async throws(AggregatorError) -> Session {
        let joined: (task: Task<Result<Session, AggregatorError>, Never>, number: Int)? = state.withLock { state in
            if state.session != nil, state.session != rejected { return nil }
            if let renewal = state.renewal {
                state.renewal?.waiting += 1
                return (renewal.task, renewal.number)
            }
            state.renewals += 1
            let number = state.renewals
            let task = Task { await self.renew(number, signIn) }
            state.renewal = Renewal(task: task, number: number, waiting: 1)
            return (task, number)
        }
        guard let joined else { return try await session(orElse: rejected, signIn) }
        let result = await withTaskCancellationHandler {
            await joined.task.value
        } onCancel: {
            leave(joined.number)
        }
        return try result.get()
    }

    /// The session that somebody else has renewed meanwhile.
    private func session(
        orElse rejected: Session?, _ signIn: @escaping SignIn
    ) async throws(AggregatorError) -> Session {
        if let session { return session }
        return try await session(insteadOf: rejected, signIn)  // it was taken away in between
    }

    private func renew(_ number: Int, _ signIn: SignIn) async -> Result<Session, AggregatorError> {
        let result: Result<Session, AggregatorError>
        do throws(AggregatorError) {
            result = .success(try await signIn())
        } catch {
            result = .failure(error)
        }
        state.withLock { state in
            if case .success(let session) = result { state.session = session }
            if state.renewal?.number == number { state.renewal = nil }
        }
        return result
    }

    private func leave(_ number: Int) {
        state.withLock { state in
            guard var renewal = state.renewal, renewal.number == number else { return }
            renewal.waiting -= 1
            state.renewal = renewal.waiting > 0 ? renewal : nil
            if renewal.waiting == 0 { renewal.task.cancel() }
        }
    }
}
