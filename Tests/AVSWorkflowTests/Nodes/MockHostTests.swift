import AVSModel
import AVSPrimitives
import AVSTesting
import Testing

@testable import AVSWorkflow

@Suite("The mock host")
struct MockHostTests {
    private static let origin = "https://mock-api.ap-aggregator.local"
    private let server = FakeServer(body: "from outside")

    private func ask(
        _ path: String, _ method: HTTPRequest.Method = .get, headers: [HTTPRequest.Header] = [], body: String = "",
        time: ManualTime = ManualTime()
    ) async throws -> HTTPResponse {
        try await MockHost(before: server, time: time).send(
            HTTPRequest(method: method, url: Self.origin + path, headers: headers, body: Array(body.utf8)))
    }

    @Test("EE-5.5.3 answers with the status that is asked for", arguments: [200, 204, 304, 399, 400, 404, 503])
    func status(status: Int) async throws {
        let answer = try await ask("/status/\(status)", .post)
        #expect(answer.status == status)
        let url = JSONValue.string("\(Self.origin)/status/\(status)")
        let word = JSONValue.string(HTTPStatusText.text(of: status))
        let code = JSONValue.number(Double(status))
        switch status {
        case 204, 304: #expect(answer.body.isEmpty)
        case ..<400: #expect(answer.json == ["status": word, "code": code, "url": url])
        default: #expect(answer.json == ["error": word, "code": code, "url": url])
        }
        #expect(server.requests.isEmpty)
    }

    @Test("EE-5.5.3 tells what it was asked")
    func echo() async throws {
        let headers = [HTTPRequest.Header("X-A", "1")]
        #expect(try await ask("/headers", headers: headers).json == ["headers": ["X-A": "1"]])
        #expect(try await ask("/ip").json?["origin"]?.stringValue != nil)
        let answer = try await ask("/post?a=1&b=x%20y+z&c&%zz=%", .post, headers: headers, body: #"{"n":[1]}"#)
        #expect(
            answer.json == [
                "args": ["a": "1", "b": "x y z", "c": "", "%zz": "%"], "data": ["n": [1]], "headers": ["X-A": "1"],
                "method": "POST", "url": .string("\(Self.origin)/post?a=1&b=x%20y+z&c&%zz=%"),
            ])
        #expect(try await ask("", body: "plain").json?["data"] == "plain")
        #expect(try await ask("/status/99999").status == 200 && server.requests.isEmpty)
    }

    @Test("EE-5.5.3 waits as long as it is told, at most ten seconds", arguments: [(3, 3), (999, 10)])
    func delay(asked: Int, seconds: Int64) async throws {
        let time = ManualTime()
        async let answer = ask("/delay/\(asked)", time: time)
        await time.waitForSleepers(1)
        time.advance(by: .seconds(seconds) - .milliseconds(1))
        await time.waitForSleepers(1)
        time.advance(by: .milliseconds(1))
        #expect(try await answer.json?["method"] == "GET")
    }

    @Test("leaves every other host alone")
    func others() async throws {
        let hosts = [".evil.example/status/200", "@evil.example/", ":8443/ip", "x/", "\\@evil.example"]
        for host in hosts { #expect(try await ask(host).body == Array("from outside".utf8), "\(host)") }
        let client = MockHost(before: server, time: ManualTime()).serving(Sample.owner)
        _ = try await client.send(HTTPRequest(method: .get, url: "http://mock-api.ap-aggregator.local/ip"))
        #expect(server.requests.count == hosts.count + 1)
    }
}
