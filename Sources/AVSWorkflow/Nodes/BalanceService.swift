import AVSEthereum
import AVSModel
import AVSPrimitives

/// Balances and prices by the web service of Moralis, with the server's own key.
struct BalanceService: BalanceSource {
    static let keyName = "moralis_api_key"
    /// Pages of one answer that are read, 100 tokens each; the rest is left.
    private static let pageLimit = 10

    /// Up to the version: `https://…/api/v2.2`.
    let base: String
    let key: String
    let http: any HTTPClient

    var name: String { "the balance service" }

    func balances(_ query: BalanceQuery) async throws(NodeFailure) -> [TokenBalance] {
        var found = try await ask(query, tokens: query.tokens, includesSpam: query.includesSpam)
        guard !query.tokens.isEmpty else { return found }
        found.removeAll { token in !token.isNative && !query.tokens.contains { $0.checksummed == token.address } }
        let known = Set(found.map(\.address))
        let missing = query.tokens.filter { !known.contains($0.checksummed) && !$0.isNativeToken }
        guard !missing.isEmpty else { return found }
        // What the service takes for spam is missing too, and was asked for.
        let second = try await ask(query, tokens: missing, includesSpam: true)
        for token in missing {
            found.append(second.first { $0.address == token.checksummed } ?? .unknown(token))
        }
        return found
    }

    private func ask(
        _ query: BalanceQuery, tokens: [Address], includesSpam: Bool
    ) async throws(NodeFailure) -> [TokenBalance] {
        var url = "\(base)/wallets/\(query.holder.checksummed)/tokens?chain=\(query.chain.name)"
        url += "&exclude_spam=\(!includesSpam)&exclude_native=false"
        for (index, token) in tokens.enumerated() { url += "&token_addresses[\(index)]=\(token.checksummed)" }
        var found: [TokenBalance] = []
        var cursor = ""
        for _ in 0..<Self.pageLimit {
            let page = try await page(cursor.isEmpty ? url : "\(url)&cursor=\(HTTPRequest.component(cursor))")
            found += (page["result"]?.arrayValue ?? []).compactMap(Self.token)
            guard let next = page["cursor"]?.stringValue, !next.isEmpty else { break }
            cursor = next
        }
        return found
    }

    private func page(_ url: String) async throws(NodeFailure) -> JSONValue {
        var request = HTTPRequest(
            method: .get, url: url, headers: [.init("X-API-Key", key), .init("Accept", "application/json")])
        request.secretHeaderNames = ["X-API-Key"]
        let response: HTTPResponse
        do {
            response = try await http.send(request)
        } catch {
            throw NodeFailure(
                "the balance service cannot be reached: \("\(error)".excerpt(200))",
                reason: NodeRetry.Reason(transport: error))
        }
        guard (200..<300).contains(response.status) else {
            throw NodeFailure(
                "the balance service answered HTTP \(response.status): \(HTTPStatusText.text(of: response.status))",
                reason: NodeRetry.Reason(httpStatus: response.status))
        }
        guard let answer = response.json, answer["result"]?.arrayValue != nil else {
            throw NodeFailure("the balance service's answer cannot be read")
        }
        return answer
    }

    /// Nil for an entry without an address or an amount.
    private static func token(_ entry: JSONValue) -> TokenBalance? {
        guard let text = entry["token_address"]?.stringValue ?? (entry["native_token"] == true ? "" : nil),
            let balance = entry["balance"].flatMap(integer)
        else { return nil }
        let isNative = entry["native_token"] == true || Address(text)?.isNativeToken == true
        guard let address = isNative ? TokenBalance.nativeAddress : Address(text)?.checksummed else { return nil }
        let unknown = TokenMetadata.unknown
        let decimals = entry["decimals"].flatMap(integer)?.uint64.flatMap { Int(exactly: $0) } ?? unknown.decimals
        return TokenBalance(
            symbol: entry["symbol"]?.stringValue ?? unknown.symbol, name: entry["name"]?.stringValue ?? unknown.name,
            balance: balance, decimals: min(decimals, 255), address: address, usdPrice: entry["usd_price"]?.doubleValue,
            usdValue: entry["usd_value"]?.doubleValue)
    }

    private static func integer(_ value: JSONValue) -> UInt256? {
        switch value {
        case .string(let text): UInt256(decimal: text)
        case .number(let number): UInt64(exactly: number).map { UInt256($0) }
        case .null, .bool, .array, .object: nil
        }
    }
}

extension Address {
    /// The pseudo-address of the chain's own token.
    var isNativeToken: Bool { bytes.allSatisfy { $0 == 0xee } }
}
