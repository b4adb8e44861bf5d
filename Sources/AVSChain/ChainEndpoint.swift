public import AVSFetch

/// Where a chain's JSON-RPC is served over HTTP.
public struct ChainEndpoint: Hashable, Sendable {
    /// Often carries an access key, so it is not shown in errors or logs.
    public var url: String
    public var headers: [FetchHeader]
    /// Requests a second that the provider grants; nil for no limit of ours.
    public var requestsPerSecond: Double?

    public init(url: String, headers: [FetchHeader] = [], requestsPerSecond: Double? = nil) {
        self.url = url
        self.headers = headers
        self.requestsPerSecond = requestsPerSecond
    }
}
