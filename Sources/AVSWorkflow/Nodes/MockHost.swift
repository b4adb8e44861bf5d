public import AVSPrimitives

/// Stands before an HTTP client and answers what goes to a host that does not exist, so that tasks can be tried without
/// a server. Those requests never leave the process; all others go on.
///
///     /status/N    that status; {status, code, url}, or {error, code, url} from 400 on; nothing with 204 and 304
///     /delay/N     after N seconds, at most 10, as for any other path
///     /headers     {headers}
///     /ip          {origin}
///     any other    {args, data, headers, method, url}
///
/// - Source: execution-engine.md 5.5.3. Only where the configuration says so: nothing in production is made up.
public struct MockHost: HTTPClient {
    /// The scheme and the host; what begins with them otherwise is another host.
    public static let origin = "https://mock-api.ap-aggregator.local"
    static let longestDelaySeconds = 10

    private let next: any HTTPClient
    private let time: any TimeSource

    public init(before next: any HTTPClient, time: any TimeSource) {
        self.next = next
        self.time = time
    }

    public func serving(_ owner: Address) -> any HTTPClient { MockHost(before: next.serving(owner), time: time) }

    public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        guard let target = Self.target(of: request.url) else { return try await next.send(request) }
        let parts = target.path.split(separator: "/").map(String.init)
        switch (parts.first, parts.count == 2 ? Self.number(parts[1]) : nil) {
        case ("status"?, let status?) where (100...999).contains(status): return Self.status(status, request)
        case ("delay"?, let seconds?):
            try await time.sleep(until: time.monotonic + .seconds(min(seconds, Self.longestDelaySeconds)))
        default: break
        }
        switch target.path {
        case "/headers": return Self.answer(200, ["headers": Self.headers(of: request)])
        case "/ip": return Self.answer(200, ["origin": "127.0.0.1"])
        default: return Self.answer(200, Self.echo(request, query: target.query))
        }
    }

    // MARK: The request

    /// Path and query of a URL of the host; nil for any other.
    private static func target(of url: String) -> (path: String, query: String)? {
        guard url.hasPrefix(origin) else { return nil }
        let rest = url.dropFirst(origin.count).prefix { $0 != "#" }
        guard rest.isEmpty || rest.hasPrefix("/") || rest.hasPrefix("?") else { return nil }
        let path = rest.prefix { $0 != "?" }
        return (String(path), String(rest.dropFirst(path.count + 1)))
    }

    private static func number(_ text: String) -> Int? {
        let isNumber = (1...3).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        return isNumber ? Int(text) : nil
    }

    private static func headers(of request: HTTPRequest) -> JSONValue {
        .object(Dictionary(request.headers.map { ($0.name, .string($0.value)) }) { $1 })
    }

    // MARK: The answer

    private static func status(_ status: Int, _ request: HTTPRequest) -> HTTPResponse {
        guard status != 204, status != 304 else { return HTTPResponse(status: status) }
        let name = status < 400 ? "status" : "error"
        return answer(
            status,
            [
                name: .string(HTTPStatusText.text(of: status)), "code": .number(Double(status)),
                "url": .string(request.url),
            ])
    }

    private static func echo(_ request: HTTPRequest, query: String) -> JSONValue {
        var arguments: [String: JSONValue] = [:]
        for pair in query.split(separator: "&") {
            let name = pair.prefix { $0 != "=" }
            arguments[decoded(name)] = .string(decoded(pair.dropFirst(name.count + 1)))
        }
        return [
            "args": .object(arguments), "data": HTTPResponse(status: 200, body: request.body).value,
            "headers": headers(of: request), "method": .string(request.method.rawValue), "url": .string(request.url),
        ]
    }

    private static func answer(_ status: Int, _ body: JSONValue) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: [HTTPRequest.Header("Content-Type", "application/json")],
            body: body.serializedBytes)
    }

    /// What stands for `%20` and `+` in a query; what is no escape stays.
    private static func decoded(_ text: some StringProtocol) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self)),
                value.count == 1
            {
                bytes += value
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
