public import AVSPrimitives
import AVSProto
import AVSWire

/// What a token is called and how it is counted.
public struct TokenMetadata: Hashable, Sendable {
    /// The token's contract.
    public var address: Address
    /// `Unknown Token` for one whose contract does not tell.
    public var name: String
    /// `UNKNOWN` for one whose contract does not tell.
    public var symbol: String
    /// Places behind the point.
    public var decimals: UInt32
    /// Where the aggregator has it from: `whitelist`, `rpc` or `native`.
    public var source: String

    public init(address: Address, name: String, symbol: String, decimals: UInt32, source: String) {
        self.address = address
        self.name = name
        self.symbol = symbol
        self.decimals = decimals
        self.source = source
    }
}

extension AggregatorClient {
    /// What a token is called.
    ///
    /// - Parameter token: the address of its contract.
    /// - Returns: nil for an address at which there is no token, and while the chain cannot be asked.
    public func getTokenMetadata(of token: Address) async throws(AggregatorError) -> TokenMetadata? {
        let request = Wire.GetTokenMetadataReq.with { $0.address = token.checksummed }
        let answer = try await call(Wire.AggregatorMethods.getTokenMetadata, request, .safe)
        guard answer.found, let found = answer.token else { return nil }
        return try reading {
            guard let address = Address(found.id) else {
                throw MalformedMessage("token '\(found.id.prefix(64))' is no address")
            }
            return TokenMetadata(
                address: address, name: found.name, symbol: found.symbol, decimals: found.decimals,
                source: answer.source)
        }
    }
}
