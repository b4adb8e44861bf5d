import AVSModel
import AVSPrimitives
import Testing

@testable import AVSWorkflow

private func node(
    _ url: String = "https://example.org/a", method: String = "GET", headers: [String: String] = [:], body: String = ""
) -> Node {
    Node(id: "R1", name: "r", config: .restAPI(RestAPINode(url: url, headers: headers, body: body, method: method)))
}

private let json = ["Content-Type": "application/json"]

@Suite("A REST node")
struct RestAPINodeTests {
    @Test("EE-NA1 shows the answer as an envelope")
    func envelope() async {
        let server = FakeServer(headers: [.init("content-type", "application/json")], body: #"{"id":7}"#)
        let finished = await Sample.run(
            node("https://example.org/{{p}}", method: ""), variables: ["p": "a b"], in: Sample.environment(http: server)
        )
        #expect(
            finished.step.output == [
                "status": 200, "statusText": "OK", "url": "https://example.org/a b",
                "headers": ["Content-Type": "application/json"], "data": ["id": 7],
            ])
        #expect(finished.step.success && finished.step.error.isEmpty && finished.step.errorCode == .unspecified)
        #expect(server.requests.first?.limits.timeout == .seconds(30))
        #expect(
            finished.step.executionContext == ["is_simulated": false, "provider": "chain_rpc", "chain_id": 11_155_111])
        #expect(finished.step.log.hasPrefix("Executing 'r' (r1)\n"))
        // On the wire a URL has no blanks.
        #expect(server.requests == [HTTPRequest(method: .get, url: "https://example.org/a%20b")])
    }

    @Test("EE-NA2 EE-P7 sends a body whose values are escaped")
    func body() async throws {
        let server = FakeServer()
        let body = #"{"m":"{{v.data.msg}}","n":{{v.data.n}},"o":"{{v.data.o}}"}"#
        let variables: [String: JSONValue] = ["v": ["data": ["msg": "say \"hi\"\n", "n": 5, "o": ["k": 1]]]]
        let finished = await Sample.run(
            node(method: "post", headers: json, body: body), variables: variables, in: Sample.environment(http: server))
        #expect(finished.step.success)
        let sent = try JSONValue(parsing: try #require(server.requests.first?.body))
        #expect(sent == ["m": "say \"hi\"\n", "n": 5, "o": #"{"k":1}"#])
    }

    @Test(
        "EE-NA3 EE-NA4 fails at 400 and above and keeps the answer",
        arguments: [
            (404, "invalid request: HTTP 404: Not Found", "Not Found"),
            (500, "invalid request: HTTP 500: Internal Server Error", "Internal Server Error"),
            (499, "invalid request: HTTP 499: Client Error", "Client Error"),
            (599, "invalid request: HTTP 599: Server Error", "Server Error"),
        ])
    func failures(status: Int, error: String, text: String) async {
        let server = FakeServer(status: status, body: #"{"error":"no"}"#)
        let finished = await Sample.run(node(), in: Sample.environment(http: server))
        #expect(!finished.step.success)
        #expect(finished.step.error == error)
        #expect(finished.step.errorCode == .invalidRequest)
        #expect(finished.step.output?["data"]?["error"] == "no")
        #expect(finished.step.output?["statusText"] == .string(text))
        // Later nodes reach its body too.
        #expect(finished.data?["data"] == ["error": "no"])
    }

    @Test(
        "EE-NA5 EE-NA6 reads bodies by what they are, not by their type",
        arguments: [
            ("", ""), ("plain words", "plain words"), ("42", 42), ("true", true), ("\"x\"", "x"), ("null", nil),
            ("[1,2]", [1, 2]), (" ", " "), (#"{"wei":123456789012345678901}"#, ["wei": "123456789012345678901"]),
            (#"{"a":1,"a":2}"#, ["a": 2]),
        ] as [(String, JSONValue)])
    func bodies(text: String, expected: JSONValue) async {
        let finished = await Sample.run(node(), in: Sample.environment(http: FakeServer(status: 200, body: text)))
        #expect(finished.step.output?["data"] == expected)
    }

    @Test("passes JSON that is nested too deep on as text")
    func deepAnswer() async {
        let text = String(repeating: "[", count: 61) + String(repeating: "]", count: 61)
        let finished = await Sample.run(node(), in: Sample.environment(http: FakeServer(body: text)))
        #expect(finished.step.output?["data"] == .string(text))
    }

    @Test("EE-NA5 204 has the empty text as data")
    func noContent() async {
        let finished = await Sample.run(node(), in: Sample.environment(http: FakeServer(status: 204)))
        #expect(finished.step.success)
        #expect(finished.step.output?["data"] == "")
        #expect(finished.step.output?["statusText"] == "No Content")
    }

    @Test("EE-NA7 shows a repeated header as an array")
    func repeatedHeaders() async {
        let server = FakeServer(headers: [.init("set-cookie", "a=1"), .init("x-one", "1"), .init("Set-Cookie", "b=2")])
        let finished = await Sample.run(node(), in: Sample.environment(http: server))
        #expect(finished.step.output?["headers"] == ["Set-Cookie": ["a=1", "b=2"], "X-One": "1"])
    }

    @Test(
        "EE-NA8 EE-NA9 refuses a body that is no JSON where JSON is announced, before any request",
        arguments: [
            ["Content-Type": "application/json"], ["content-type": "Application/JSON; charset=utf-8"],
            ["CONTENT-TYPE": "application/vnd.api+json"], ["Content-Type": "text/json"],
        ])
    func invalidBody(headers: [String: String]) async {
        let server = FakeServer()
        let finished = await Sample.run(
            node(method: "POST", headers: headers, body: "{oops"), in: Sample.environment(http: server))
        #expect(finished.step.error.hasPrefix("REST API request body contains invalid JSON: "))
        #expect(finished.step.errorCode == .invalidNodeConfig)
        #expect(finished.step.output == nil && finished.data == nil)
        #expect(server.requests.isEmpty)
    }

    @Test(
        "EE-NA8 sends any text where no JSON is announced",
        arguments: [
            ["Content-Type": "text/plain"], ["Content-Type": "application/jsonx"], [:],
        ])
    func plainBody(headers: [String: String]) async {
        let server = FakeServer()
        _ = await Sample.run(node(method: "PUT", headers: headers, body: "{oops"), in: Sample.environment(http: server))
        #expect(server.requests.first?.body == Array("{oops".utf8))
    }

    @Test(
        "refuses a bare marker that leaves no JSON, and one that would add members (Q7)",
        arguments: [
            "words", "1, \"admin\": true", "\"}, {\"",
        ])
    func bareMarker(value: String) async {
        let server = FakeServer()
        let finished = await Sample.run(
            node(method: "POST", headers: json, body: #"{"n": {{v}} }"#), variables: ["v": .string(value)],
            in: Sample.environment(http: server))
        #expect(finished.step.errorCode == .invalidNodeConfig)
        #expect(server.requests.isEmpty)
    }

    @Test(
        "EE-NA10 has a limit, seven methods and two schemes",
        arguments: [
            (node(""), "url is required", ErrorCode.missingRequiredField),
            (
                node(method: "BREW"),
                "HTTP request failed: connection error or timeout - unsupported HTTP method: BREW", .unspecified
            ),
            (node("ftp://example.org"), "invalid URL format (must start with http:// or https://)", .unspecified),
            (node("example.org"), "invalid URL format (must start with http:// or https://)", .unspecified),
            (node("https://example.org/\r\nHost: x"), "invalid URL format (control character)", .unspecified),
            (
                node(method: "POST", body: String(repeating: "x", count: 10_485_761)),
                "REST API request body exceeds maximum size limit: 10485761 bytes (max: 10485760 bytes)",
                .invalidNodeConfig
            ),
        ])
    func refusals(node: Node, error: String, code: ErrorCode) async {
        let server = FakeServer()
        let finished = await Sample.run(node, in: Sample.environment(http: server))
        #expect(finished.step.error == error)
        #expect(finished.step.errorCode == code)
        #expect(server.requests.isEmpty)
    }

    @Test("EE-NA11 says that the server could not be reached")
    func unreachable() async {
        let server = FakeServer { _ in throw HTTPTransportError("connection refused") }
        let finished = await Sample.run(node(), in: Sample.environment(http: server))
        #expect(finished.step.error == "HTTP request failed: connection error or timeout - connection refused")
        #expect(finished.step.output == nil)
    }

    @Test("EE-NA12 templates header names and values, secrets included, and shows no secret")
    func headers() async {
        let server = FakeServer { _ in throw HTTPTransportError("refused for key s3cret-value") }
        let finished = await Sample.run(
            node(
                "https://example.org/{{apContext.configVars.key}}",
                headers: ["X-{{n}}": "Bearer {{apContext.configVars.key}}"]),
            variables: ["n": "Name"], in: Sample.environment(http: server), secrets: ["key": "s3cret-value"])
        #expect(server.requests.first?.headers == [.init("X-Name", "Bearer s3cret-value")])
        #expect(!finished.step.log.contains("s3cret-value"))
        #expect(finished.step.log.contains("https://example.org/<key>"))
        #expect(!finished.step.error.contains("s3cret-value"))
    }

    @Test(
        "refuses headers that would begin other headers",
        arguments: [
            ["X-A": "{{evil}}"], ["X-A: b": "c"], ["": "c"], ["{{evil}}": "c"],
        ])
    func headerInjection(headers: [String: String]) async {
        let server = FakeServer()
        let finished = await Sample.run(
            node(headers: headers), variables: ["evil": "x\r\nHost: other"], in: Sample.environment(http: server))
        #expect(finished.step.errorCode == .invalidNodeConfig)
        #expect(server.requests.isEmpty)
    }

    @Test(
        "EE-NA13 sends each method with its verb, and a body with those that carry one",
        arguments: HTTPRequest.Method.allCases)
    func methods(method: HTTPRequest.Method) async {
        let server = FakeServer()
        _ = await Sample.run(
            node(method: method.rawValue.lowercased(), body: "b"), in: Sample.environment(http: server))
        #expect(server.requests.first?.method == method)
        #expect(server.requests.first?.body == (method == .get || method == .head ? [] : Array("b".utf8)))
    }

    @Test(
        "EE-P1 names what it could not resolve, and where",
        arguments: [
            (node("https://x/{{q.data.u}}"), "q.data.u in url"),
            (node(headers: ["{{q.data.k}}": "v"]), "q.data.k in header key"),
            (node(headers: ["k": "{{q.data.v}}"]), "q.data.v in header value"),
            (node(method: "POST", body: "{{q.data.b}}"), "q.data.b in body"),
        ])
    func unresolved(node: Node, place: String) async {
        let server = FakeServer()
        let finished = await Sample.run(node, in: Sample.environment(http: server))
        #expect(
            finished.step.error == "could not resolve variable \(place). Make sure to run the 'q' node first")
        #expect(server.requests.isEmpty)
    }

    @Test("is not replaced by variables of its fields' names in a task (Q8), but in a run for itself (5.5.1)")
    func hijacking() async {
        let server = FakeServer()
        let variables: [String: JSONValue] = [
            "url": "https://other.example/{{n}}", "method": "put", "body": "b{{n}}", "headers": ["X-N": "{{n}}"],
            "n": 7,
        ]
        _ = await Sample.run(node(), variables: variables, in: Sample.environment(http: server))
        #expect(server.requests.first == HTTPRequest(method: .get, url: "https://example.org/a"))

        func alone(_ node: Node, _ input: [String: JSONValue]) async -> HTTPRequest? {
            _ = await NodeTrial(
                node: node, input: input, secrets: [:], chainID: 1, owner: Sample.owner, wallet: nil,
                executionID: ExecutionID(ULID(value: 0))
            ).run(in: Sample.environment(http: server))
            return server.requests.last
        }
        #expect(
            await alone(node(), variables)
                == HTTPRequest(
                    method: .put, url: "https://other.example/7", headers: [.init("X-N", "7")], body: Array("b7".utf8)))
        // Only texts, and an object of nothing but texts.
        let odd: [String: JSONValue] = ["url": 1, "method": ["a"], "body": nil, "headers": ["X": 1, "Y": "y"]]
        #expect(
            await alone(node(method: "POST", headers: ["A": "a"], body: "c"), odd)
                == HTTPRequest(
                    method: .post, url: "https://example.org/a", headers: [.init("A", "a")], body: Array("c".utf8)))
    }

    @Test("echoes its configuration unresolved, headers and options only if there are any")
    func config() async {
        let server = FakeServer()
        let plain = await Sample.run(node("https://x/{{v}}"), variables: ["v": 1], in: Sample.environment(http: server))
        #expect(plain.step.config == ["url": "https://x/{{v}}", "method": "GET", "body": ""])
        let full = NodeShape.config(
            of: Node(
                id: "n", name: "n",
                config: .restAPI(
                    RestAPINode(
                        url: "u", headers: ["a": "b"], body: "c", method: "d", options: ["summarize": true]))))
        #expect(
            full == ["url": "u", "method": "d", "body": "c", "headers": ["a": "b"], "options": ["summarize": true]])
    }

    @Test("fails when its output is larger than a step may be")
    func outputLimit() async {
        let server = FakeServer(body: String(repeating: "x", count: 1_048_577))
        let finished = await Sample.run(node(), in: Sample.environment(http: server))
        #expect(finished.step.error.hasPrefix("output too large: "))
        #expect(finished.step.output == nil && finished.data == nil)
    }
}
