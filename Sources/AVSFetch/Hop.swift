/// One request to one URL; a fetch is one hop, and one more per redirect.
struct Hop: Sendable {
    var url: FetchURL
    var method: String
    var headers: [FetchHeader]
    var body: [UInt8]
    var owner: String

    /// Checks what a caller may ask for before anything is sent.
    init(_ request: FetchRequest, url: FetchURL, limits: FetchLimits) throws(FetchError) {
        func invalid(_ detail: String) -> FetchError { FetchError(.invalidRequest, host: url.host, detail: detail) }
        guard (1...20).contains(request.method.utf8.count),
            request.method.utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) })
        else { throw invalid("unsupported HTTP method") }
        guard request.body.count <= limits.requestBodyBytes else {
            throw FetchError(.tooLarge(limitBytes: limits.requestBodyBytes), host: url.host, detail: "request body")
        }
        for header in request.headers {
            guard !header.name.isEmpty, header.name.utf8.allSatisfy(Self.isTokenByte) else {
                throw invalid("header name")
            }
            guard !header.value.utf8.contains(where: { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7f }) else {
                throw invalid("header value of \(header.name)")
            }
        }
        let headers = request.headers.filter { !Self.ownHeaderNames.contains($0.name.lowercased()) }
        let size = headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
        guard size <= limits.requestHeaderBytes else {
            throw FetchError(
                .tooLarge(limitBytes: limits.requestHeaderBytes), host: url.host, detail: "request headers")
        }
        self.url = url
        self.method = request.method
        self.headers = headers
        body = request.body
        owner = request.owner
    }

    /// What libcurl says itself: how the message is framed and for whom it is. Callers that set them mean well and are
    /// not refused; their values are not sent.
    private static let ownHeaderNames: Set<String> = [
        "accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    /// The `token` characters of RFC 9110, 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    /// Where to go after `response`: nil if it is final (SSRF-6).
    ///
    /// 301 and 302 turn POST into GET, 303 turns everything but HEAD into GET, 307 and 308 repeat the request (RFC
    /// 9110, 15.4). What is secret stays with the origin it was meant for.
    func following(_ response: FetchResponse, secretHeaderNames: Set<String>) throws(FetchError) -> Hop? {
        guard [301, 302, 303, 307, 308].contains(response.status), let location = response.header("location") else {
            return nil
        }
        var next = self
        next.url = try url.redirected(to: location)
        if url.scheme == "https", next.url.scheme == "http" {
            throw FetchError(.blockedAddress, host: next.url.host, detail: "redirect from https to http")
        }
        let turnsToGet = response.status == 303 ? method != "HEAD" : response.status < 303 && method == "POST"
        if turnsToGet {
            next.method = "GET"
            next.body = []
            next.headers.removeAll { $0.name.lowercased().hasPrefix("content-") }
        }
        if next.url.origin != url.origin {
            let secret = Set(secretHeaderNames.map { $0.lowercased() })
                .union(["authorization", "cookie", "proxy-authorization"])
            next.headers.removeAll { secret.contains($0.name.lowercased()) }
        }
        return next
    }
}
