import AVSEthereum
public import AVSPrimitives
import OrderedCollections
import Synchronization

/// What is known of a token, and from where.
public struct KnownToken: Hashable, Sendable {
    /// The words are the answer's.
    public enum Source: String, Sendable {
        /// The service's own list.
        case whitelist
        /// The contract's word.
        case rpc
        /// The chain's own coin, under its pseudo-address.
        case native
    }

    public var address: Address
    public var name: String
    public var symbol: String
    /// 0 to 255.
    public var decimals: Int
    public var source: Source

    init(_ address: Address, _ metadata: TokenMetadata, _ source: Source) {
        self.address = address
        name = metadata.name
        symbol = metadata.symbol
        decimals = metadata.decimals
        self.source = source
    }
}

/// Names, symbols and decimals of tokens on the default chain.
///
/// - Source: aggregator-api 2.13, execution-engine 7.10.
public final class TokenDirectory: Sendable {
    /// Under which people name the chain's own coin.
    public static let nativeAddress = Address(bytes: [UInt8](repeating: 0xee, count: 20)) ?? .zero
    static let nativeToken = TokenMetadata(name: "Ether", symbol: "ETH", decimals: 18)
    /// Tokens remembered at a time; the oldest goes first. About 300 bytes each.
    private static let cacheLimit = 10_000
    /// What a contract says of itself does not change; that nobody is there may.
    private static let foundLifetime = Duration.seconds(24 * 3_600)
    private static let absentLifetime = Duration.seconds(60)

    private struct Remembered {
        var metadata: TokenMetadata?
        var until: ContinuousClock.Instant
    }

    private let configuration: EngineConfiguration
    private let time: any TimeSource
    private let cache = Mutex<OrderedDictionary<Address, Remembered>>([:])

    init(configuration: EngineConfiguration, time: any TimeSource) {
        self.configuration = configuration
        self.time = time
    }

    /// - Returns: `nil` where there is no contract.
    /// - Throws: ``EngineError/chain(action:cause:)``, ``EngineError/unknownChain(_:)``.
    public func token(_ address: Address) async throws -> KnownToken? {
        guard let chain = configuration.chains[configuration.defaultChainID] else {
            throw EngineError.unknownChain(configuration.defaultChainID)
        }
        if address == Self.nativeAddress {
            return KnownToken(address, Self.nativeToken, .native)
        }
        if let listed = chain.tokens[address] {
            return KnownToken(address, listed, .whitelist)
        }
        let metadata = try await remembered(address, chain.client)
        return metadata.map { KnownToken(address, $0, .rpc) }
    }

    private func remembered(_ address: Address, _ chain: any ChainClient) async throws -> TokenMetadata? {
        let now = time.monotonic
        if let known = cache.withLock({ $0[address] }), known.until > now { return known.metadata }
        let metadata: TokenMetadata?
        do throws(ChainError) {
            metadata = try await chain.tokenMetadata(of: address)
        } catch {
            throw EngineError.chain(action: "read token", cause: "\(error)")
        }
        let lifetime = metadata == nil ? Self.absentLifetime : Self.foundLifetime
        cache.withLock { cache in
            cache.removeValue(forKey: address)
            cache[address] = Remembered(metadata: metadata, until: now + lifetime)
            if cache.count > Self.cacheLimit { cache.removeFirst() }
        }
        return metadata
    }
}

extension ChainClient {
    /// What a token says of itself; the parts that it does not say are as in ``TokenMetadata/unknown``.
    /// - Returns: `nil` where there is no contract.
    fileprivate func tokenMetadata(of address: Address) async throws(ChainError) -> TokenMetadata? {
        guard try await !code(at: address).isEmpty else { return nil }
        do {
            return try await TokenMetadata.read { data in try await self.answer(of: address, to: data) } ?? .unknown
        } catch let error as ChainError {
            throw error
        } catch {
            throw .malformedAnswer(method: "eth_call", reason: "\(error)")
        }
    }

    /// What a contract answers; `nil` where it reverts or answers with nothing.
    func answer(of contract: Address, to data: [UInt8]) async throws(ChainError) -> [UInt8]? {
        do throws(ChainError) {
            let answer = try await call(to: contract, data: data)
            return answer.isEmpty ? nil : answer
        } catch .rpc {
            return nil
        }
    }
}
