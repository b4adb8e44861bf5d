import AVSEthereum
import AVSModel
import AVSPrimitives

/// Balances as the chain itself says: its own token, and those tokens that are asked for or well known. No prices.
struct ChainBalances: BalanceSource {
    let chain: any ChainClient

    var name: String { "the chain" }

    func balances(_ query: BalanceQuery) async throws(NodeFailure) -> [TokenBalance] {
        do throws(ChainError) {
            let isNamedBNB = query.chain.id == 56
            var found = [
                TokenBalance(
                    symbol: isNamedBNB ? "BNB" : "ETH", name: isNamedBNB ? "BNB" : "Ether",
                    balance: try await chain.balance(of: query.holder), decimals: 18,
                    address: TokenBalance.nativeAddress)
            ]
            let wellKnown = WellKnownTokens.onChain(query.chain.id)
            let tokens = query.tokens.isEmpty ? wellKnown.keys.sorted() : query.tokens.filter { !$0.isNativeToken }
            for token in tokens { found.append(try await balance(of: query.holder, token, wellKnown[token])) }
            return found
        } catch {
            throw NodeFailure(
                code: .rpcNodeError, "the chain could not be asked for balances: \(error)",
                reason: NodeRetry.Reason(error))
        }
    }

    /// A contract that answers nothing is shown as an unknown token without balance.
    private func balance(
        of holder: Address, _ token: Address, _ known: TokenMetadata?
    ) async throws(ChainError) -> TokenBalance {
        guard let answer = try await ask(token, TokenAmount.balanceCall(of: holder)), answer.count == 32,
            let balance = UInt256(bigEndian: answer)
        else { return .unknown(token) }
        let metadata: TokenMetadata?
        if let known {
            metadata = known
        } else {
            metadata = try await read(token)
        }
        let shown = metadata ?? .unknown
        return TokenBalance(
            symbol: shown.symbol, name: shown.name, balance: balance, decimals: shown.decimals,
            address: token.checksummed)
    }

    private func read(_ token: Address) async throws(ChainError) -> TokenMetadata? {
        do {
            return try await TokenMetadata.read { data in try await ask(token, data) }
        } catch let error as ChainError {
            throw error
        } catch {
            return nil
        }
    }

    /// Nil where the contract reverts or answers with nothing.
    private func ask(_ contract: Address, _ data: [UInt8]) async throws(ChainError) -> [UInt8]? {
        do throws(ChainError) {
            let answer = try await chain.call(to: contract, data: data)
            return answer.isEmpty ? nil : answer
        } catch .rpc {
            return nil
        }
    }
}
