/// One header line.
public struct FetchHeader: Hashable, Sendable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    func isNamed(_ other: String) -> Bool { name.lowercased() == other.lowercased() }
}

/// An HTTP request.
public struct FetchRequest: Hashable, Sendable {
    /// Upper-case letters: `GET`, `POST`, `PATCH`, …
    public var method: String
    /// Absolute, `http` or `https`.
    public var url: String
    /// In order. What libcurl must decide itself (`Host`, `Content-Length`, `Connection`, `Accept-Encoding` and such)
    /// is left out when sending.
    public var headers: [FetchHeader]
    public var body: [UInt8]
    /// For the whole request with its redirects; nil means the fetcher's own, which is also the most.
    public var timeout: Duration?
    /// On whose behalf: connections are limited per owner and host, and owners take turns. Any text.
    public var owner: String
    /// Names of headers that carry secrets: they do not follow a redirect to another host, port or scheme. Always among
    /// them are `Authorization`, `Cookie` and `Proxy-Authorization`.
    public var secretHeaderNames: Set<String>

    public init(
        method: String = "GET", url: String, headers: [FetchHeader] = [], body: [UInt8] = [], timeout: Duration? = nil,
        owner: String = "", secretHeaderNames: Set<String> = []
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.owner = owner
        self.secretHeaderNames = secretHeaderNames
    }
}

/// An HTTP response, whatever its status.
public struct FetchResponse: Hashable, Sendable {
    public var status: Int
    /// In order, with repeated names; of a compressed body without `Content-Encoding` and `Content-Length`, which no
    /// longer describe it.
    public var headers: [FetchHeader]
    /// After decompression.
    public var body: [UInt8]
    /// Where it came from, after redirects.
    public var url: String

    public init(status: Int, headers: [FetchHeader] = [], body: [UInt8] = [], url: String = "") {
        self.status = status
        self.headers = headers
        self.body = body
        self.url = url
    }

    /// The first header of that name, in any case.
    public func header(_ name: String) -> String? { headers.first { $0.isNamed(name) }?.value }
}

/// How much a fetcher does at most (reliability and security, 4.2 and 5.3).
public struct FetchLimits: Hashable, Sendable {
    public var connectTimeout: Duration = .seconds(5)
    /// Of a whole request with its redirects and its waiting for a connection.
    public var totalTimeout: Duration = .seconds(30)
    public var requestBodyBytes = 10 << 20
    /// After decompression.
    public var responseBodyBytes = 10 << 20
    public var responseHeaderBytes = 64 << 10
    public var responseHeaderLines = 200
    public var requestHeaderBytes = 64 << 10
    public var redirects = 5
    /// Open at once in all, to one host, and for one owner to one host.
    public var open = 256
    public var openPerHost = 16
    public var openPerOwnerAndHost = 4
    /// Requests that wait for one of those, in all and of one owner; beyond, they fail at once.
    public var waiting = 1024
    public var waitingPerOwner = 256

    public init() {}

    func timeout(for request: FetchRequest) -> Duration {
        max(.zero, min(request.timeout ?? totalTimeout, totalTimeout))
    }
}
