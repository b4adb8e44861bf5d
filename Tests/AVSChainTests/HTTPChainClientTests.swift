import AVSEthereum
import AVSFetch
import AVSPrimitives
import AVSTesting
import AVSTransport
import Synchronization
import TestHTTPServer
import Testing

@testable import AVSChain

@Suite("A chain client over HTTP")
struct HTTPChainClientTests {
    /// A node that answers by a closure from method to the text behind the id.
    static func node(chainID: String = "0x7a69", _ answer: @escaping @Sendable (String) -> String) async throws
        -> TestHTTPServer
    {
        try await TestHTTPServer.start { request in
            let (method, id) = Self.methodAndID(request.body)
            let rest = method == "eth_chainId" ? #""result":"\#(chainID)""# : answer(method)
            return .text(#"{"jsonrpc":"2.0","id":\#(id),\#(rest)}"#)
        }
    }

    static func methodAndID(_ body: [UInt8]) -> (String, Int) {
        switch Result(catching: { try JSONValue(parsing: body) }) {
        case .success(let json): (json["method"]?.stringValue ?? "", Int(json["id"]?.integerValue ?? 0))
        case .failure: ("", 0)
        }
    }

    static func client(_ urls: String..., change: (inout HTTPChainClient.Configuration) -> Void = { _ in }) throws
        -> HTTPChainClient
    {
        var configuration = HTTPChainClient.Configuration()
        change(&configuration)
        let time = SystemTime()
        return HTTPChainClient(
            chainID: 31337, endpoints: urls.map { ChainEndpoint(url: $0) }, fetcher: try EndpointFetcher(time: time),
            configuration: configuration, time: time)
    }

    static func error(_ client: HTTPChainClient, _ method: String = "eth_blockNumber") async -> ChainError? {
        do throws(ChainError) {
            _ = try await client.request(method, [])
            return nil
        } catch {
            return error
        }
    }

    @Test("asks over a kept connection, with the header of JSON") func request() async throws {
        let node = try await Self.node { _ in #""result":"0x10""# }
        let client = try Self.client(node.url)
        for _ in 0..<3 { #expect(try await client.blockNumber() == 16) }
        #expect(node.connectionCount == 1 && node.requests.count == 4)
        #expect(node.requests.allSatisfy { $0.method == "POST" && $0.header("content-type") == "application/json" })
    }

    @Test("keeps a node's error, cut to what may be shown", arguments: [200, 400, 500])
    func nodeError(status: Int) async throws {
        let long = String(repeating: "x", count: 300)
        let node = try await TestHTTPServer.start { request in
            let (method, id) = Self.methodAndID(request.body)
            if method == "eth_chainId" { return .text(#"{"id":\#(id),"result":"0x7a69"}"#) }
            let body = #"{"id":\#(id),"error":{"code":3,"message":"execution reverted\n\#(long)","data":"0x08c379a0"}}"#
            return .response(status, body: Array(body.utf8))
        }
        guard case .rpc(let error)? = await Self.error(try Self.client(node.url, "http://127.0.0.1:1")) else {
            Issue.record("no error of the node")
            return
        }
        #expect(error.code == 3 && error.revertData == [0x08, 0xc3, 0x79, 0xa0])
        #expect(error.message.hasPrefix("execution reverted x") && error.message.count == 200)
    }

    @Test("T46: does not show where its endpoints are") func scrubbing() async throws {
        let port = Mutex(0)
        let node = try await TestHTTPServer.start { request in
            .response(502, body: Array("bad gateway for http://127.0.0.1:\(port.withLock { $0 })/v2/secret-key".utf8))
        }
        port.withLock { $0 = node.port }
        let error = await Self.error(try Self.client(node.url + "/v2/secret-key"))
        #expect(error == .unavailable(reason: "HTTP 502: bad gateway for <endpoint>"))
        let unreachable = await Self.error(try Self.client("http://127.0.0.1:1/secret-key"))
        #expect(unreachable == .unavailable(reason: "endpoint 1: could not connect"))
    }

    @Test(
        "goes on to the next endpoint",
        arguments: [
            "down", "garbage", "status", "wrong id", "wrong chain", "rate limit", "status 429", "null", "slow",
        ])
    func failOver(problem: String) async throws {
        let first = try await TestHTTPServer.start { request in
            let (method, id) = Self.methodAndID(request.body)
            if method == "eth_chainId" {
                return .text(#"{"id":\#(id),"result":"\#(problem == "wrong chain" ? "0x1" : "0x7a69")"}"#)
            }
            return switch problem {
            case "down": .bytesThenClose([])
            case "garbage": .text("<html>")
            case "status": .response(503, body: Array("busy".utf8))
            case "wrong id": .text(#"{"id":999999,"result":"0x1"}"#)
            case "rate limit": .text(#"{"id":\#(id),"error":{"code":-32005,"message":"Rate limit reached"}}"#)
            case "status 429": .response(429, body: Array("slow down".utf8))
            case "null": .text("null")
            case "slow": .silence
            default: .text(#"{"id":\#(id),"result":"0x1"}"#)
            }
        }
        let second = try await Self.node { _ in #""result":"0x10""# }
        let client = try Self.client(first.url, second.url) { $0.attemptTimeout = .milliseconds(500) }
        #expect(try await client.blockNumber() == 16)
        #expect(second.requests.count == 2)
    }

    @Test("says what the last endpoint did when all fail") func allFail() async throws {
        let node = try await Self.node { _ in #""error":{"code":-32005,"message":"rate limit"}"# }
        #expect(await Self.error(try Self.client(node.url)) == .rateLimited(reason: "rate limit"))
        let wrong = try await Self.node(chainID: "0x1") { _ in #""result":"0x10""# }
        let error = await Self.error(try Self.client(wrong.url))
        #expect(error == .unavailable(reason: "endpoint 1 serves chain 1, not 31337"))
        #expect(await Self.error(try Self.client()) == .unavailable(reason: "no endpoint is healthy"))
    }

    @Test(
        "does not repeat elsewhere what may have been done",
        arguments: [
            ("eth_sendRawTransaction", 0), ("eth_sendUserOperation", 0), ("eth_call", 1),
        ])
    func sends(method: String, repeated: Int) async throws {
        let first = try await TestHTTPServer.start { _ in .bytesThenClose([]) }
        let second = try await Self.node { _ in #""result":"0x1""# }
        let client = try Self.client(first.url, second.url) { $0.verifiesChainID = false }
        let error = await Self.error(client, method)
        #expect((error == nil) == (repeated == 1))
        #expect(second.requests.count == repeated)
        // Nothing was sent to an endpoint that cannot be reached, so the next may have it.
        let unreachable = try Self.client("http://127.0.0.1:1", second.url) { $0.verifiesChainID = false }
        #expect(await Self.error(unreachable, method) == nil)
    }

    @Test("stops asking an endpoint that fails, and asks for its chain when it is back") func breaker() async throws {
        let isDown = Atomic(true)
        let first = try await TestHTTPServer.start { request in
            let (method, id) = Self.methodAndID(request.body)
            if isDown.load(ordering: .relaxed) { return .response(503) }
            return .text(#"{"id":\#(id),"result":"\#(method == "eth_chainId" ? "0x7a69" : "0x1")"}"#)
        }
        let second = try await Self.node { _ in #""result":"0x10""# }
        let time = ManualTime()
        let client = HTTPChainClient(
            chainID: 31337, endpoints: [ChainEndpoint(url: first.url), ChainEndpoint(url: second.url)],
            fetcher: try EndpointFetcher(time: SystemTime()), time: time)
        for _ in 0..<8 { #expect(try await client.blockNumber() == 16) }
        #expect(first.requests.count == 5)
        isDown.store(false, ordering: .relaxed)
        time.advance(by: .seconds(5))
        #expect(try await client.blockNumber() == 1)
        #expect(try await client.blockNumber() == 1)
        #expect(
            first.requests.map { Self.methodAndID($0.body).0 }.suffix(3) == [
                "eth_chainId", "eth_blockNumber", "eth_blockNumber",
            ])
    }

    @Test("bounds answers, and stays with that error") func tooLarge() async throws {
        let node = try await Self.node { _ in #""result":"\#(String(repeating: "x", count: 2000))""# }
        var limits = EndpointFetcher.defaultLimits
        limits.responseBodyBytes = 1000
        let time = SystemTime()
        let endpoint = ChainEndpoint(url: node.url)
        let client = HTTPChainClient(
            chainID: 31337, endpoints: [endpoint, endpoint], fetcher: try EndpointFetcher(limits: limits, time: time),
            time: time)
        #expect(await Self.error(client) == .tooLarge(limitBytes: 1000))
        #expect(node.requests.count == 2)
    }

    @Test("ends when its task is cancelled") func cancellation() async throws {
        let node = try await TestHTTPServer.start { _ in .silence }
        let client = try Self.client(node.url)
        let task = Task { await Self.error(client) }
        await node.waitForRequests(1)
        task.cancel()
        #expect(await task.value == .cancelled)
    }

    @Test("waits for its rate") func rate() async throws {
        let node = try await Self.node { _ in #""result":"0x10""# }
        let time = ManualTime()
        let client = HTTPChainClient(
            chainID: 31337, endpoints: [ChainEndpoint(url: node.url, requestsPerSecond: 1)],
            fetcher: try EndpointFetcher(time: SystemTime()), time: time)
        #expect(try await client.blockNumber() == 16)
        let second = Task { try await client.blockNumber() }
        await time.waitForSleepers(1)
        #expect(node.requests.count == 2)
        time.advance(by: .seconds(1))
        #expect(try await second.value == 16)
    }
}
