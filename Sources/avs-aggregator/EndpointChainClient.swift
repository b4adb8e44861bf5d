import AVSEthereum
import AVSFetch
import AVSPrimitives
import Synchronization

/// JSON-RPC over HTTP to the endpoints of one chain, in the order of the configuration: the next is asked when one
/// cannot be reached.
struct EndpointChainClient: ChainClient {
    let chainID: UInt64
    private let endpoints: [String]
    private let fetcher: EndpointFetcher

    init(chainID: UInt64, endpoints: [String], fetcher: EndpointFetcher) {
        self.chainID = chainID
        self.endpoints = endpoints
        self.fetcher = fetcher
    }

    func request(_ method: String, _ parameters: [JSONValue]) async throws(ChainError) -> JSONValue {
        var last = ChainError.unavailable(reason: "no endpoint is configured")
        for endpoint in endpoints {
            do {
                return try await ask(endpoint, method, parameters)
            } catch {
                guard error.asksNext else { throw error }
                last = error
            }
        }
        throw last
    }

    private func ask(
        _ endpoint: String, _ method: String, _ parameters: [JSONValue]
    ) async throws(ChainError) -> JSONValue {
        let body = JSONRPC.Request(id: 1, method: method, parameters: parameters).body
        let answer: FetchResponse
        do {
            answer = try await fetcher.send(
                FetchRequest(
                    method: "POST", url: endpoint, headers: [FetchHeader("content-type", "application/json")], body: body,
                    timeout: .seconds(10)))
        } catch {
            throw .unavailable(reason: "\(error)")
        }
        guard answer.status == 200 else { throw .unavailable(reason: "HTTP status \(answer.status)") }
        let message: JSONRPC.Message?
        do { message = try JSONRPC.message(parsing: answer.body) } catch {
            throw .malformedAnswer(method: method, reason: "\(error)")
        }
        guard case .response(_, let result) = message else {
            throw .malformedAnswer(method: method, reason: "no response")
        }
        switch result {
        case .success(let value): return value
        case .failure(let error): throw .rpc(error)
        }
    }
}

extension ChainError {
    /// Whether another endpoint may answer where this one did not.
    fileprivate var asksNext: Bool {
        switch self {
        case .unavailable, .timeout, .rateLimited, .malformedAnswer: true
        case .rpc, .tooLarge, .cancelled: false
        }
    }
}
