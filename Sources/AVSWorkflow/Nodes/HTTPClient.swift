public import AVSPrimitives

/// One request of a node to a server of the world outside.
public struct HTTPRequest: Hashable, Sendable {
    public enum Method: String, Hashable, Sendable, CaseIterable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"
        case patch = "PATCH"
        case head = "HEAD"
        case options = "OPTIONS"

        /// Whether a body given for the request is sent with it.
        public var carriesBody: Bool { self != .get && self != .head }
    }

    /// A header as it is sent. Names may repeat.
    public struct Header: Hashable, Sendable {
        /// A token: no blank, no colon.
        public var name: String
        /// Without line breaks and NUL.
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// What the client stops at, whatever the server does.
    public struct Limits: Hashable, Sendable {
        /// From the call to the last byte of the answer, redirects included.
        public var timeout: Duration = .seconds(30)
        /// A longer answer is an error.
        public var responseBytes = 10_485_760
        public var headerBytes = 65_536
        public var redirects = 5

        public init() {}
    }

    public var method: Method
    /// Absolute, `http://` or `https://`, visible ASCII only.
    public var url: String
    public var headers: [Header]
    public var body: [UInt8]
    public var limits: Limits
    /// Headers that no other origin gets when a redirect leads there, beside `Authorization` and `Cookie`.
    public var secretHeaderNames: Set<String> = []

    public init(method: Method, url: String, headers: [Header] = [], body: [UInt8] = [], limits: Limits = Limits()) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.limits = limits
    }
}

/// The last answer of a chain of redirects.
public struct HTTPResponse: Hashable, Sendable {
    public var status: Int
    /// In the order in which they arrived.
    public var headers: [HTTPRequest.Header]
    public var body: [UInt8]

    public init(status: Int, headers: [HTTPRequest.Header] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// There is no answer: the server was not reached or not allowed, did not answer in time, or beyond the limits.
///
/// The text is for the task's owner: what failed, never a resolved address (LOG-4).
public struct HTTPTransportError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Whether another attempt may have an answer.
    public enum Kind: Hashable, Sendable {
        /// The server was not reached, or the connection broke.
        case connection
        case timeout
        /// Nothing was sent because too much is under way.
        case overloaded
        /// Not allowed, or not possible: another attempt ends the same way.
        case refused
    }

    public var description: String
    public var kind: Kind

    public init(_ description: String, kind: Kind = .connection) {
        self.description = description
        self.kind = kind
    }
}

/// Outgoing HTTP. Where the world may be reached and where not is the implementation's to decide (SSRF-1 and
/// following).
public protocol HTTPClient: Sendable {
    /// Always comes to an end within the request's timeout, and soon after the surrounding task is cancelled.
    ///
    /// - Throws: ``HTTPTransportError``; every status of a server is an answer.
    func send(_ request: HTTPRequest) async throws -> HTTPResponse

    /// This client on behalf of one owner: requests of several owners share its places fairly (OVL-6).
    func serving(_ owner: Address) -> any HTTPClient
}

extension HTTPClient {
    public func serving(_ owner: Address) -> any HTTPClient { self }
}
