import AVSFetch

/// What is known of each endpoint, and which one to ask next.
struct EndpointStates: Sendable {
    private struct State: Sendable {
        var breaker = CircuitBreaker()
        var bucket: TokenBucket?
        var inFlight = 0
        var isVerified = false
    }

    enum Choice: Equatable {
        /// Counted as in flight until ``finished(_:success:at:)``.
        case use(Int)
        /// All that are healthy are at their rate.
        case wait(Duration)
        case none
    }

    private var states: [State]
    private let inFlightMaximum: Int

    init(_ endpoints: [ChainEndpoint], inFlightMaximum: Int, at now: ContinuousClock.Instant) {
        self.inFlightMaximum = inFlightMaximum
        states = endpoints.map { endpoint in
            State(bucket: endpoint.requestsPerSecond.map { TokenBucket(perSecond: $0, capacity: $0, at: now) })
        }
    }

    /// The first endpoint that may be asked. If all of them are at their number in flight, the least busy: requests
    /// then queue where connections are given out.
    mutating func choose(except tried: Set<Int>, at now: ContinuousClock.Instant) -> Choice {
        var pause: Duration?
        let untried = states.indices.filter { !tried.contains($0) }
        let free = untried.filter { states[$0].inFlight < inFlightMaximum }
        let busy = untried.filter { states[$0].inFlight >= inFlightMaximum }
            .sorted { states[$0].inFlight < states[$1].inFlight }
        for index in free + busy {
            // The rate first: a breaker that admits counts on an outcome.
            if let wait = states[index].bucket?.take(at: now) {
                if states[index].breaker.isClosed { pause = min(pause ?? wait, wait) }
                continue
            }
            guard states[index].breaker.admits(at: now) else { continue }
            states[index].inFlight += 1
            return .use(index)
        }
        return pause.map { .wait($0) } ?? .none
    }

    /// - Parameter success: nil if the attempt says nothing of the endpoint.
    mutating func finished(_ index: Int, success: Bool?, at now: ContinuousClock.Instant) {
        states[index].inFlight -= 1
        guard let success else { return states[index].breaker.abandon() }
        states[index].breaker.record(success: success, at: now)
        // Whoever answers at that address later may be another.
        if !states[index].breaker.isClosed { states[index].isVerified = false }
    }

    func isVerified(_ index: Int) -> Bool { states[index].isVerified }

    mutating func verified(_ index: Int) { states[index].isVerified = true }
}
