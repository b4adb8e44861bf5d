import AVSEthereum
import AVSModel
import AVSPrimitives
import Testing

@testable import AVSWorkflow

private let holder = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
private let usdc = "0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238"
private let other = "0x1111111111111111111111111111111111111111"

private func balance(
    _ address: String = holder, chain: String = "sepolia", spam: Bool = false, zero: Bool = false, cents: Int64 = 0,
    tokens: [String] = []
) -> Node {
    Node(
        id: "X1", name: "x",
        config: .balance(
            BalanceNode(
                address: address, chain: chain, includesSpam: spam, includesZeroBalances: zero,
                minimumUSDCents: cents, tokenAddresses: tokens)))
}

private func entry(
    _ address: String, _ symbol: String, _ balance: String, decimals: JSONValue = 6, usd: Double? = nil,
    isNative: Bool = false
) -> JSONValue {
    var fields: [String: JSONValue] = [
        "token_address": .string(address), "symbol": .string(symbol), "name": .string("\(symbol) coin"),
        "balance": .string(balance), "decimals": decimals, "native_token": .bool(isNative), "possible_spam": false,
    ]
    if let usd { (fields["usd_price"], fields["usd_value"]) = (1, .number(usd)) }
    return .object(fields)
}

private let native = entry(
    "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "ETH", "1500000000000000000", decimals: 18, usd: 3000, isNative: true)

private func answer(_ entries: [JSONValue], cursor: JSONValue = .null) -> HTTPResponse {
    HTTPResponse(
        status: 200, body: JSONValue.object(["result": .array(entries), "cursor": cursor]).serializedBytes)
}

private func environment(_ server: FakeServer, key: String? = "k1") -> WorkflowEnvironment {
    var environment = Sample.environment(http: server)
    environment.services.secrets["moralis_api_key"] = key
    environment.services.balanceURL = "https://balances.example/api/v2.2"
    return environment
}

private func symbols(_ step: Step) -> [JSONValue] { step.output?.arrayValue?.map { $0["symbol"] ?? .null } ?? [] }

@Suite("A balance node")
struct BalanceNodeTests {
    @Test("EE-NX1, EE-NX9 lists tokens with six keys, and prices where they are known")
    func tokens() async throws {
        let server = FakeServer { _ in answer([native, entry(usdc.lowercased(), "USDC", "2500000", decimals: "6")]) }
        let node = balance()
        let finished = await Sample.run(node, in: environment(server))
        #expect(
            finished.step.output == [
                [
                    "symbol": "ETH", "name": "ETH coin", "balance": "1500000000000000000", "balanceFormatted": "1.5",
                    "decimals": 18, "tokenAddress": "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE", "usdPrice": 1,
                    "usdValue": 3000,
                ],
                [
                    "symbol": "USDC", "name": "USDC coin", "balance": "2500000", "balanceFormatted": "2.5",
                    "decimals": 6, "tokenAddress": .string(usdc),
                ],
            ])
        let request = try #require(server.requests.first)
        #expect(
            request.url == "https://balances.example/api/v2.2/wallets/\(holder)/tokens?chain=sepolia"
                + "&exclude_spam=true&exclude_native=false")
        #expect(request.headers.contains(.init("X-API-Key", "k1")) && request.secretHeaderNames == ["X-API-Key"])
        #expect(finished.step.config?["chain"] == "sepolia" && !finished.step.log.contains("k1"))
    }

    @Test("EE-NX2 leaves zero balances out unless they are asked for", arguments: [false, true])
    func zero(isAskedFor: Bool) async {
        let server = FakeServer { _ in answer([native, entry(usdc, "USDC", "0")]) }
        let finished = await Sample.run(balance(zero: isAskedFor), in: environment(server))
        #expect(symbols(finished.step) == (isAskedFor ? ["ETH", "USDC"] : ["ETH"]))
    }

    @Test(
        "EE-NX3 leaves small values out",
        arguments: [(10_000, ["ETH"]), (250, ["ETH", "USDC"]), (99_999_999, [])] as [(Int64, [String])])
    func value(cents: Int64, expected: [String]) async {
        let server = FakeServer { _ in
            answer([native, entry(usdc, "USDC", "2500000", usd: 2.5), entry(other, "DUST", "1")])
        }
        let finished = await Sample.run(balance(cents: cents), in: environment(server))
        #expect(finished.step.success && symbols(finished.step) == expected.map(JSONValue.string))
        #expect(finished.data == finished.step.output)
    }

    @Test(
        "EE-NX4 knows chains by many names",
        arguments: [
            ("ethereum", "eth"), (" ETH ", "eth"), ("1", "eth"), ("0x1", "eth"), ("11155111", "sepolia"),
            ("0xaa36a7", "sepolia"), ("Base", "base"), ("8453", "base"), ("base sepolia", "base-sepolia"),
            ("basesepolia", "base-sepolia"), ("0x14A34", "base-sepolia"), ("Binance", "bsc"), ("56", "bsc"),
        ])
    func chains(spelling: String, name: String) async {
        let server = FakeServer { _ in answer([]) }
        let finished = await Sample.run(balance(chain: spelling), in: environment(server))
        #expect(finished.step.success && finished.step.output == [])
        #expect(server.requests.first?.url.contains("?chain=\(name)&") == true)
    }

    @Test(
        "EE-NX3, EE-NX4, EE-NX8 fails without an address, a chain, a sensible minimum, or a key",
        arguments: [
            (balance(""), "k", "address is required"), (balance("0x12"), "k", "invalid ethereum address format: 0x12"),
            (balance(chain: ""), "k", "chain is required"), (balance(chain: "mars"), "k", "unsupported chain: mars"),
            (balance(chain: "31337"), "k", "unsupported chain: 31337"),
            (balance(cents: -150), "k", "minUsdValue must be non-negative, got -1.5"),
            (balance(), nil, "moralis API key is not configured"), (balance(), "", "moralis API key is not configured"),
            (balance(chain: "{{none.x}}"), "k", "could not resolve variable none.x in chain"),
        ] as [(Node, String?, String)])
    func failures(node: Node, key: String?, error: String) async {
        let server = FakeServer()
        let finished = await Sample.run(node, in: environment(server, key: key))
        #expect(!finished.step.success && finished.step.error.contains(error), "\(finished.step.error)")
        #expect(finished.step.output == nil && server.requests.isEmpty)
    }

    @Test("EE-NX5 shows the listed tokens and the chain's own, made up where nobody knows them")
    func listed() async throws {
        let hidden = "0x2222222222222222222222222222222222222222"
        let server = FakeServer { request in
            request.url.contains("exclude_spam=false")
                ? answer([entry(hidden, "SPAM", "7")])
                : answer([native, entry(usdc, "USDC", "0"), entry("0x" + String(repeating: "3", count: 40), "X", "5")])
        }
        let node = balance(tokens: [usdc, #"{"id":"\#(other)"}"#, "not hex", hidden, usdc.lowercased(), "{{t.a}}"])
        let finished = await Sample.run(node, variables: ["t": ["a": .string(usdc)]], in: environment(server))
        #expect(symbols(finished.step) == ["ETH", "USDC", "UNKNOWN", "SPAM"], "\(finished.step.error)")
        let unknown = try #require(finished.step.output?.arrayValue?[2])
        #expect(unknown["name"] == "Unknown Token" && unknown["balance"] == "0" && unknown["decimals"] == 18)
        #expect(unknown["tokenAddress"] == .string(other) && unknown["balanceFormatted"] == "0")
        #expect(finished.step.log.contains("Warning: token address 'not hex'"))
        #expect(server.requests.count == 2)
    }

    @Test("EE-NX6 resolves templates in address, chain and tokens")
    func templates() async throws {
        let server = FakeServer { _ in answer([native]) }
        let node = balance("{{s.a}}", chain: "{{s.c}}", tokens: ["{{s.t}}"])
        let finished = await Sample.run(
            node, variables: ["s": ["a": .string(holder), "c": 8453, "t": .string(usdc)]], in: environment(server))
        #expect(finished.step.success)
        let url = try #require(server.requests.first?.url)
        #expect(url.contains("/wallets/\(holder)/") && url.contains("chain=base&") && url.hasSuffix("[0]=\(usdc)"))
        #expect(finished.step.config?["address"] == "{{s.a}}")
    }

    @Test("follows the service's pages, and says what went wrong with it")
    func pages() async {
        let paged = FakeServer { request in
            request.url.contains("cursor=") ? answer([entry(usdc, "USDC", "1")]) : answer([native], cursor: "a b&c")
        }
        let finished = await Sample.run(balance(), in: environment(paged))
        #expect(
            symbols(finished.step) == ["ETH", "USDC"] && paged.requests.last?.url.hasSuffix("cursor=a%20b%26c") == true)
        let endless = FakeServer { _ in answer([], cursor: "more") }
        _ = await Sample.run(balance(), in: environment(endless))
        #expect(endless.requests.count == 10)
        for (server, error) in [
            (FakeServer(status: 401), "the balance service answered HTTP 401: Unauthorized"),
            (FakeServer(body: "{}"), "the balance service's answer cannot be read"),
            (FakeServer { _ in throw HTTPTransportError("timeout") }, "the balance service cannot be reached: timeout"),
        ] {
            let finished = await Sample.run(balance(), in: environment(server))
            #expect(finished.step.error == error && finished.step.output == nil)
        }
    }

    @Test("EE-NX1, EE-NX5 asks one of the server's own chains where there is no service")
    func chain() async {
        let chain = BalanceChainClient()
        var environment = Sample.environment(chain: nil)
        environment.services.chains = [31_337: chain]
        let token = "0x4444444444444444444444444444444444444444"
        let finished = await Sample.run(
            balance(chain: "31337", tokens: [token, other]), in: environment)
        #expect(
            finished.step.output == [
                [
                    "symbol": "ETH", "name": "Ether", "balance": "1000000000000000000", "balanceFormatted": "1",
                    "decimals": 18, "tokenAddress": "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE",
                ],
                [
                    "symbol": "UNKNOWN", "name": "Unknown Token", "balance": "1230000", "balanceFormatted": "1.23",
                    "decimals": 6, "tokenAddress": .string(token),
                ],
                [
                    "symbol": "UNKNOWN", "name": "Unknown Token", "balance": "0", "balanceFormatted": "0",
                    "decimals": 18, "tokenAddress": .string(other),
                ],
            ], "\(finished.step.error)")
        let priced = await Sample.run(balance(chain: "31337", cents: 1), in: environment)
        #expect(priced.step.error.contains("moralis API key is not configured"))
    }
}

/// One ether for everybody; a token with six decimals at `0x4444…`.
private struct BalanceChainClient: ChainClient {
    let chainID: UInt64 = 31_337

    func request(_ method: String, _ parameters: [JSONValue]) async throws(ChainError) -> JSONValue {
        guard method == "eth_call" else { return "0xde0b6b3a7640000" }
        guard parameters.first?["to"]?.stringValue?.hasPrefix("0x4444") == true else { return "0x" }
        switch parameters.first?["data"]?.stringValue?.prefix(10) {
        case "0x70a08231": return .string(Hex.encode0x(word(1_230_000)))
        case "0x313ce567": return .string(Hex.encode0x(word(6)))
        default: return "0x"
        }
    }
}
