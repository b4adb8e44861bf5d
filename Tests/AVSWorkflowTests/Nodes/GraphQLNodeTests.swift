import AVSModel
import AVSPrimitives
import Testing

@testable import AVSWorkflow

private func query(
    _ query: String = "{ pools { id } }", url: String = "https://example.org/graphql", variables: [String: String] = [:]
) -> Node {
    Node(
        id: "G1", name: "g", config: .graphQLQuery(GraphQLQueryNode(url: url, query: query, variables: variables)))
}

@Suite("A GraphQL node")
struct GraphQLNodeTests {
    @Test("EE-NG1 shows the data of the answer")
    func data() async throws {
        let server = FakeServer(body: #"{"data":{"factories":[{"id":"0x1"}],"bundles":[]}}"#)
        let finished = await Sample.run(query(), in: Sample.environment(http: server))
        #expect(finished.step.success && finished.step.output == ["factories": [["id": "0x1"]], "bundles": []])
        #expect(finished.data == finished.step.output)
        let request = try #require(server.requests.first)
        #expect(request.method == .post && request.url == "https://example.org/graphql")
        #expect(request.limits.timeout == .seconds(30) && request.limits.redirects == 5)
        #expect(request.headers.contains(.init("Content-Type", "application/json; charset=utf-8")))
        #expect(try JSONValue(parsing: request.body) == ["query": "{ pools { id } }", "variables": [:]])
    }

    @Test("EE-NG2 replaces variables and sends them as strings")
    func variables() async throws {
        let server = FakeServer(body: #"{"data":null}"#)
        let node = query(
            "query { a(n: {{v.n}}) }", url: "https://example.org/{{v.path}}",
            variables: ["n": "{{v.n}}", "o": "{{v.o}}", "s": "x"])
        let finished = await Sample.run(
            node, variables: ["v": ["n": 7, "o": ["k": true], "path": "q"]], in: Sample.environment(http: server))
        #expect(finished.step.success && finished.step.output == .null)
        let request = try #require(server.requests.first)
        #expect(request.url == "https://example.org/q")
        #expect(
            try JSONValue(parsing: request.body) == [
                "query": "query { a(n: 7) }", "variables": ["n": "7", "o": #"{"k":true}"#, "s": "x"],
            ])
    }

    @Test("EE-NG3 needs a URL and a query", arguments: [("", "https://x.org"), ("{a}", "")])
    func required(text: String, url: String) async {
        let finished = await Sample.run(query(text, url: url))
        #expect(finished.step.error == "url and query is required" && finished.step.errorCode == .missingRequiredField)
    }

    @Test(
        "EE-NG4 fails with the status, the first error or the network's",
        arguments: [
            (400, #"{"data":{}}"#, "graphql: server returned a non-200 status code: 400"),
            (302, "", "graphql: server returned a non-200 status code: 302"),
            (
                200, #"{"errors":[{"message":"no such field"},{"message":"b"}],"data":{"a":1}}"#,
                "graphql: no such field"
            ),
            (200, #"{"errors":["odd"]}"#, "graphql: \"odd\""),
            (200, "<html>", "graphql: the server's answer is not a JSON object"),
            (200, "[1]", "graphql: the server's answer is not a JSON object"),
        ])
    func failures(status: Int, body: String, error: String) async {
        let server = FakeServer(status: status, body: body)
        let finished = await Sample.run(query(), in: Sample.environment(http: server))
        #expect(finished.step.error == error && finished.step.output == nil && finished.data == nil)
    }

    @Test("EE-NG4 says that the network failed")
    func network() async {
        let server = FakeServer { _ in throw HTTPTransportError("no such host") }
        let finished = await Sample.run(query(), in: Sample.environment(http: server))
        #expect(finished.step.error == "graphql: network error: no such host")
    }

    @Test("EE-NG2 holds each text to 100 KiB, with markers or without")
    func size() async {
        let (long, limit) = (String(repeating: "x", count: 102_401), String(repeating: "x", count: 102_400))
        let server = FakeServer(body: #"{"data":{}}"#)
        let nodes = [
            query(long): "query", query(url: "https://a.org/\(long.dropFirst(14))"): "url",
            query(variables: ["a": "1", "b": long]): "variable 'b'",
        ]
        for (node, field) in nodes {
            let step = await Sample.run(node, in: Sample.environment(http: server)).step
            #expect(step.error == "GraphQL \(field) exceeds maximum size limit: 102401 bytes (max: 102400 bytes)")
            #expect(step.errorCode == .invalidNodeConfig)
        }
        #expect(server.requests.isEmpty)
        let fitting = await Sample.run(query(limit, variables: ["b": limit]), in: Sample.environment(http: server))
        #expect(fitting.step.success)
    }

    @Test("EE-P1 names what a variable lacks")
    func unresolved() async {
        let finished = await Sample.run(query(variables: ["who": "{{first.data.id}}"]))
        #expect(
            finished.step.error
                == "could not resolve variable first.data.id in variable 'who'. Make sure to run the 'first' node first"
        )
    }

    @Test(
        "gives the server's key to one host only",
        arguments: [
            ("https://gateway.thegraph.com/api/x", true), ("https://GATEWAY.thegraph.com:443/api", true),
            ("http://gateway.thegraph.com/api", false), ("https://gateway.thegraph.com.evil.org/", false),
            ("https://gateway.thegraph.com@evil.org/", false), ("https://evil.org/?gateway.thegraph.com", false),
            ("https://gateway.thegraph.com:8443/", false),
        ])
    func key(url: String, isGiven: Bool) async {
        let server = FakeServer(body: #"{"data":{}}"#)
        var environment = Sample.environment(http: server)
        environment.services.secrets["thegraph_api_key"] = "k1"
        // A user's secret of the same name is nobody's key.
        _ = await Sample.run(query(url: url), in: environment, secrets: ["thegraph_api_key": "mine"])
        let given = server.requests.first?.headers.first { $0.name == "Authorization" }?.value
        #expect(given == (isGiven ? "Bearer k1" : nil))
    }
}
