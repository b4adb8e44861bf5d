import AVSFetch
import AVSPrimitives
import AVSWorkflow

/// Outgoing HTTP of workflow nodes: what they ask for, by the rules of the fetcher.
struct WorkflowHTTP: HTTPClient {
    private let fetcher: Fetcher
    /// On whose behalf; empty for nobody in particular.
    private var owner = ""

    init(_ fetcher: Fetcher) { self.fetcher = fetcher }

    func serving(_ owner: Address) -> any HTTPClient {
        var client = self
        client.owner = owner.lowercased
        return client
    }

    func close() { fetcher.close() }

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let asked = FetchRequest(
            method: request.method.rawValue, url: request.url,
            headers: request.headers.map { FetchHeader($0.name, $0.value) }, body: request.body,
            timeout: request.limits.timeout, owner: owner, secretHeaderNames: request.secretHeaderNames)
        do {
            let answer = try await fetcher.send(asked)
            return HTTPResponse(
                status: answer.status, headers: answer.headers.map { .init($0.name, $0.value) }, body: answer.body)
        } catch {
            throw HTTPTransportError("\(error)", kind: Self.kind(of: error))
        }
    }

    private static func kind(of error: any Error) -> HTTPTransportError.Kind {
        switch (error as? FetchError)?.kind {
        case .couldNotConnect, .badResponse: .connection
        case .timeout: .timeout
        case .overloaded: .overloaded
        case .blockedAddress, .invalidURL, .invalidRequest, .tlsError, .tooLarge, .cancelled, nil: .refused
        }
    }
}
