public import AVSEthereum
public import AVSFetch
public import AVSPrimitives
import Synchronization

/// A chain over HTTP, at one or several endpoints.
///
/// Requests go to the first endpoint that is healthy, not busy and within its rate; a failed one goes on to the next. A
/// request that makes the chain do something (`eth_send…`) is not repeated elsewhere once it may have arrived.
public final class HTTPChainClient: ChainClient {
    public struct Configuration: Hashable, Sendable {
        /// Of one attempt at one endpoint.
        public var attemptTimeout = Duration.seconds(10)
        /// Of a request with all its attempts and waiting.
        public var totalTimeout = Duration.seconds(30)
        /// Per endpoint (reliability and security, 4.2).
        public var inFlightPerEndpoint = 64
        /// Ask each endpoint for its chain before its first use and after it failed (threat T44). Off for bundlers that
        /// do not tell.
        public var verifiesChainID = true

        public init() {}
    }

    public let chainID: UInt64
    private let endpoints: [ChainEndpoint]
    private let fetcher: EndpointFetcher
    private let configuration: Configuration
    private let time: any TimeSource
    private let states: Mutex<EndpointStates>
    private let nextID = Atomic<UInt64>(1)

    /// - Parameter endpoints: in order of preference, at least one; without any, every request is *unavailable*.
    public init(
        chainID: UInt64, endpoints: [ChainEndpoint], fetcher: EndpointFetcher,
        configuration: Configuration = Configuration(), time: any TimeSource
    ) {
        self.chainID = chainID
        self.endpoints = endpoints
        self.fetcher = fetcher
        self.configuration = configuration
        self.time = time
        states = Mutex(
            EndpointStates(endpoints, inFlightMaximum: configuration.inFlightPerEndpoint, at: time.monotonic))
    }

    public func request(_ method: String, _ parameters: [JSONValue]) async throws(ChainError) -> JSONValue {
        let deadline = time.monotonic + configuration.totalTimeout
        var tried: Set<Int> = []
        var lastError = ChainError.unavailable(reason: "no endpoint is healthy")
        while true {
            if Task.isCancelled { throw .cancelled }
            switch states.withLock({ $0.choose(except: tried, at: time.monotonic) }) {
            case .use(let index):
                let attempt = await attempt(method, parameters, at: index, deadline: deadline)
                states.withLock { $0.finished(index, success: attempt.isHealthy, at: time.monotonic) }
                switch attempt {
                case .answer(let json): return json
                case .refused(let error), .failed(let error), .abandoned(let error): throw error
                case .elsewhere(let error): lastError = error
                }
                tried.insert(index)
            case .wait(let duration):
                try await wait(for: duration, until: deadline)
            case .none:
                throw lastError
            }
        }
    }

    private func wait(for duration: Duration, until deadline: ContinuousClock.Instant) async throws(ChainError) {
        let end = time.monotonic + duration
        guard end < deadline else { throw .timeout }
        do {
            try await time.sleep(until: end)
        } catch {
            throw .cancelled
        }
    }

    /// What one attempt came to.
    private enum Attempt {
        case answer(JSONValue)
        /// The node's own error: it works, and others would say the same.
        case refused(ChainError)
        /// An error of this endpoint.
        case elsewhere(ChainError)
        /// An error of this endpoint that must not be asked about elsewhere.
        case failed(ChainError)
        /// It ended for our own reasons.
        case abandoned(ChainError)

        /// Nil if it says nothing.
        var isHealthy: Bool? {
            switch self {
            case .answer, .refused: true
            case .elsewhere, .failed: false
            case .abandoned: nil
            }
        }
    }

    private func attempt(
        _ method: String, _ parameters: [JSONValue], at index: Int, deadline: ContinuousClock.Instant
    ) async -> Attempt {
        if configuration.verifiesChainID, !states.withLock({ $0.isVerified(index) }) {
            switch await exchange("eth_chainId", [], at: index, deadline: deadline) {
            case .answer(let json) where json.quantity?.uint64 == chainID:
                states.withLock { $0.verified(index) }
            case .answer(let json):
                let other = json.quantity?.description ?? "nothing"
                return .elsewhere(.unavailable(reason: "endpoint \(index + 1) serves chain \(other), not \(chainID)"))
            case .abandoned(let error):
                return .abandoned(error)
            case .refused(let error), .elsewhere(let error), .failed(let error):
                return .elsewhere(error)
            }
        }
        return await exchange(method, parameters, at: index, deadline: deadline)
    }

    /// One request to one endpoint.
    private func exchange(
        _ method: String, _ parameters: [JSONValue], at index: Int, deadline: ContinuousClock.Instant
    ) async -> Attempt {
        let left = deadline - time.monotonic
        guard left > .zero else { return .abandoned(.timeout) }
        let id = nextID.wrappingAdd(1, ordering: .relaxed).oldValue
        let endpoint = endpoints[index]
        let request = FetchRequest(
            method: "POST", url: endpoint.url,
            headers: endpoint.headers + [FetchHeader("Content-Type", "application/json")],
            body: JSONRPC.Request(id: id, method: method, parameters: parameters).body,
            timeout: min(configuration.attemptTimeout, left))
        do {
            let response = try await fetcher.send(request)
            return read(response, id: id, method: method)
        } catch {
            return failure(error, method: method, at: index)
        }
    }

    private func failure(_ error: FetchError, method: String, at index: Int) -> Attempt {
        let mapped: ChainError =
            switch error.kind {
            case .timeout: .timeout
            case .cancelled: .cancelled
            case .tooLarge(let limitBytes): .tooLarge(limitBytes: limitBytes)
            case .overloaded, .blockedAddress, .invalidURL, .invalidRequest, .couldNotConnect, .tlsError, .badResponse:
                .unavailable(reason: "endpoint \(index + 1): \(Self.name(of: error.kind))")
            }
        switch mapped {
        // Our side or the question, not the endpoint.
        case .cancelled, .tooLarge: return .abandoned(mapped)
        default: break
        }
        // What may have arrived may have been acted on, so it is not sent again.
        if error.mayHaveArrived, method.hasPrefix("eth_send") { return .failed(mapped) }
        return .elsewhere(mapped)
    }

    private static func name(of kind: FetchError.Kind) -> String {
        switch kind {
        case .invalidURL: "invalid URL"
        case .couldNotConnect: "could not connect"
        case .tlsError: "TLS error"
        case .badResponse: "connection lost or bad response"
        case .overloaded: "too many requests are waiting"
        case .blockedAddress, .invalidRequest, .timeout, .tooLarge, .cancelled: "request not sent"
        }
    }

    /// A node's answer counts whatever the HTTP status is, since many send errors with one of their own.
    private func read(_ response: FetchResponse, id: UInt64, method: String) -> Attempt {
        let message: JSONRPC.Message?
        do {
            message = try JSONRPC.message(parsing: response.body)
        } catch {
            guard response.status == 200 else { return statusFailure(response) }
            return .elsewhere(.malformedAnswer(method: method, reason: error.description))
        }
        switch message {
        case .response(id: id, .success(let json)) where response.status == 200:
            return .answer(json)
        case .response(id: id, .failure(let error)), .unassignedError(let error):
            if response.status == 429 || Self.isRateLimit(error) {
                return .elsewhere(.rateLimited(reason: scrubbed(error.message)))
            }
            var shown = error
            shown.message = scrubbed(error.message)
            return .refused(.rpc(shown))
        case .response, .notification, nil:
            guard response.status == 200 else { return statusFailure(response) }
            return .elsewhere(.malformedAnswer(method: method, reason: "no answer to request \(id)"))
        }
    }

    private func statusFailure(_ response: FetchResponse) -> Attempt {
        let body = scrubbed(String(decoding: response.body.prefix(1000), as: UTF8.self))
        let reason = "HTTP \(response.status): \(body)"
        return .elsewhere(response.status == 429 ? .rateLimited(reason: reason) : .unavailable(reason: reason))
    }

    /// -32005 is *limit exceeded* (EIP-1474); providers have further codes and the words in common. A range with too
    /// many logs also answers -32005, and then is no question of rate.
    private static func isRateLimit(_ error: JSONRPC.ErrorObject) -> Bool {
        let text = error.message.lowercased()
        return error.code == 429 || text.contains("rate limit") || text.contains("too many requests")
            || text.contains("exceeded its compute units")
    }

    /// At most 200 printable characters, without our endpoints, whose URLs carry keys (threat T46).
    private func scrubbed(_ text: String) -> String {
        var text = text
        for endpoint in endpoints { text = text.replacing(endpoint.url, with: "<endpoint>") }
        let printable = text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) }
        return String(printable.prefix(200))
    }
}
