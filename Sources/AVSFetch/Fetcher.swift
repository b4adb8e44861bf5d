public import AVSPrimitives
import Synchronization

/// Outgoing HTTP for workflows: addresses that users write, so only public ones are reached (reliability and security,
/// 5.3). For the administrator's own endpoints there is ``EndpointFetcher``; being other types, the two cannot be mixed
/// up.
///
/// One thread serves all requests. Each request has connections of its own; responses are complete and bounded.
public final class Fetcher: Sendable {
    private let loop: TransferLoop
    private let policy: PublicPolicy
    private let limits: FetchLimits
    private let time: any TimeSource
    private let breakers = Mutex(HostBreakers())

    /// - Parameters:
    ///   - allowed: exceptions for development, by exact address and port (SSRF-10).
    ///   - trustedCertificatesPath: a PEM file to trust in place of the system's certificates.
    /// - Throws: ``FetchError`` if the system gives no thread.
    public init(
        allowed: Set<AllowedEndpoint> = [], limits: FetchLimits = FetchLimits(), trustedCertificatesPath: String? = nil,
        userAgent: String = "avs-aggregator", time: any TimeSource
    ) throws(FetchError) {
        let settings = TransferSettings(
            limits: limits, trustedCertificatesPath: trustedCertificatesPath, isolatesRequests: true,
            userAgent: userAgent)
        loop = try TransferLoop(settings: settings, time: time)
        policy = PublicPolicy(allowed: allowed)
        self.limits = limits
        self.time = time
    }

    /// Sends a request and follows its redirects; each hop is checked like the first.
    ///
    /// Cancelling the task ends the transfer. A response of any status is a response.
    /// - Throws: ``FetchError``.
    public func send(_ request: FetchRequest) async throws(FetchError) -> FetchResponse {
        let deadline = time.monotonic + limits.timeout(for: request)
        var hop = try Hop(request, url: try FetchURL.parse(request.url), limits: limits)
        for _ in 0...limits.redirects {
            try policy.check(hop.url)
            let response = try await perform(hop, deadline: deadline)
            guard let next = try hop.following(response, secretHeaderNames: request.secretHeaderNames) else {
                return response
            }
            hop = next
        }
        throw FetchError(
            .badResponse, host: hop.url.host, detail: "more than \(limits.redirects) redirects", mayHaveArrived: true)
    }

    private func perform(_ hop: Hop, deadline: ContinuousClock.Instant) async throws(FetchError) -> FetchResponse {
        let key = HostBreakers.Key(owner: hop.owner, origin: hop.url.origin)
        guard breakers.withLock({ $0.admits(key, at: time.monotonic) }) else {
            throw FetchError(.couldNotConnect, host: hop.url.host, detail: "it failed repeatedly and is left alone")
        }
        do {
            let response = try await loop.perform(hop, rule: policy.addressRule(), deadline: deadline)
            breakers.withLock { $0.record(key, success: true, at: time.monotonic) }
            return response
        } catch {
            breakers.withLock { $0.record(key, success: error.hostIsHealthy, at: time.monotonic) }
            throw error
        }
    }

    /// Ends the thread. Requests under way, and all later ones, end as cancelled.
    public func close() { loop.close() }
}

/// Outgoing HTTP to endpoints that the administrator configured: chains, bundlers. Any address is reached, connections
/// are kept and reused, redirects are not followed.
public final class EndpointFetcher: Sendable {
    private let loop: TransferLoop
    private let limits: FetchLimits
    private let time: any TimeSource

    /// As many connections to one endpoint as a chain client has requests in flight (reliability and security, 4.2).
    public static let defaultLimits: FetchLimits = {
        var limits = FetchLimits()
        limits.openPerHost = 64
        limits.openPerOwnerAndHost = 64
        limits.responseBodyBytes = 32 << 20
        return limits
    }()

    /// - Parameter trustedCertificatesPath: a PEM file to trust in place of the system's certificates.
    /// - Throws: ``FetchError`` if the system gives no thread.
    public init(
        limits: FetchLimits = EndpointFetcher.defaultLimits, trustedCertificatesPath: String? = nil,
        userAgent: String = "avs-aggregator", time: any TimeSource
    ) throws(FetchError) {
        let settings = TransferSettings(
            limits: limits, trustedCertificatesPath: trustedCertificatesPath, isolatesRequests: false,
            userAgent: userAgent)
        loop = try TransferLoop(settings: settings, time: time)
        self.limits = limits
        self.time = time
    }

    /// Sends a request. Cancelling the task ends the transfer. A response of any status is a response.
    /// - Throws: ``FetchError``.
    public func send(_ request: FetchRequest) async throws(FetchError) -> FetchResponse {
        let deadline = time.monotonic + limits.timeout(for: request)
        let hop = try Hop(request, url: try FetchURL.parse(request.url), limits: limits)
        return try await loop.perform(hop, rule: .any, deadline: deadline)
    }

    /// Ends the thread. Requests under way, and all later ones, end as cancelled.
    public func close() { loop.close() }
}
