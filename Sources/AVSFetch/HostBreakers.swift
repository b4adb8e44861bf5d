/// A ``CircuitBreaker`` per owner and origin (OVL-7): hosts that do not answer are not waited for again and again. Per
/// owner, so that nobody's slow path on a host closes that host to others.
struct HostBreakers: Sendable {
    struct Key: Hashable, Sendable {
        var owner: String
        var origin: String
    }

    /// Beyond so many, one that is closed is forgotten, or else any. A forgotten one starts anew as closed.
    private let capacity: Int
    private var breakers: [Key: CircuitBreaker] = [:]

    init(capacity: Int = 4096) { self.capacity = capacity }

    var count: Int { breakers.count }

    mutating func admits(_ key: Key, at now: ContinuousClock.Instant) -> Bool {
        breakers[key]?.admits(at: now) ?? true
    }

    /// - Parameter success: nil if the outcome says nothing of the host.
    mutating func record(_ key: Key, success: Bool?, at now: ContinuousClock.Instant) {
        var breaker = breakers[key] ?? CircuitBreaker()
        if let success { breaker.record(success: success, at: now) } else { breaker.abandon() }
        // A host that works needs no memory.
        if breaker == CircuitBreaker() || (success == true && breakers[key] == nil) {
            breakers[key] = nil
            return
        }
        if breakers[key] == nil, breakers.count >= capacity {
            let victim = breakers.first { $0.value.isClosed } ?? breakers.first
            if let victim { breakers[victim.key] = nil }
        }
        breakers[key] = breaker
    }
}

extension FetchError {
    /// Whether the host works: nil if the error says nothing of it.
    var hostIsHealthy: Bool? {
        switch kind {
        case .couldNotConnect, .timeout, .tlsError, .badResponse: false
        case .tooLarge: true
        case .blockedAddress, .invalidURL, .invalidRequest, .overloaded, .cancelled: nil
        }
    }
}
