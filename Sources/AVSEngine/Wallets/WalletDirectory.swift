import AVSEthereum
public import AVSModel
public import AVSPrimitives
import AVSSchema
public import AVSStorage
import OrderedCollections
import Synchronization

/// Smart wallets: where the factory puts them, which are registered, whose they are.
///
/// - Source: aggregator-api 7.
public final class WalletDirectory: Sendable {
    private struct Triple: Hashable {
        var owner: Address
        var factory: Address
        var salt: UInt256
    }

    private struct Derived {
        var address: Address
        var until: ContinuousClock.Instant
    }

    /// Derivations remembered at a time; the oldest goes first. About 200 bytes each.
    private static let cacheLimit = 10_000

    private let store: any KeyValueStore
    private let configuration: EngineConfiguration
    private let time: any TimeSource
    private let cache = Mutex<OrderedDictionary<Triple, Derived>>([:])

    public init(store: any KeyValueStore, configuration: EngineConfiguration, time: any TimeSource) {
        self.store = store
        self.configuration = configuration
        self.time = time
    }

    // MARK: Chain

    private var chain: ChainSettings {
        get throws(EngineError) {
            guard let chain = configuration.chains[configuration.defaultChainID] else {
                throw .unknownChain(configuration.defaultChainID)
            }
            return chain
        }
    }

    /// The factory that is meant when a caller names none.
    public var defaultFactory: Address { get throws(EngineError) { try chain.factory } }

    /// Where `factory` puts the wallet of `owner` with `salt`: asked of the chain, which is the only truth (7.1).
    /// - Throws: ``EngineError/chain(action:cause:)`` when the chain does not answer or answers with nothing.
    public func derive(owner: Address, factory: Address? = nil, salt: UInt256 = .zero) async throws -> Address {
        let chain = try chain
        let triple = Triple(owner: owner, factory: factory ?? chain.factory, salt: salt)
        let now = time.monotonic
        if let known = cache.withLock({ $0[triple] }), known.until > now { return known.address }
        let address: Address
        do {
            address = try await chain.client.walletAddress(owner: owner, factory: triple.factory, salt: salt)
        } catch {
            throw EngineError.chain(action: "derive sender address", cause: "\(error)")
        }
        guard !address.isZero else {
            throw EngineError.chain(action: "derive sender address", cause: "the factory answered zero")
        }
        remember(triple, Derived(address: address, until: now + configuration.times.derivationCache))
        return address
    }

    private func remember(_ triple: Triple, _ derived: Derived) {
        cache.withLock { cache in
            cache.removeValue(forKey: triple)
            cache[triple] = derived
            if cache.count > Self.cacheLimit { cache.removeFirst() }
        }
    }

    /// The sender's next nonce at the entry point, with key 0 (7.6).
    public func nonce(of sender: Address) async throws -> UInt256 {
        let chain = try chain
        do {
            return try await chain.client.walletNonce(of: sender, entryPoint: chain.entryPoint)
        } catch {
            throw EngineError.chain(action: "read nonce", cause: "\(error)")
        }
    }

    // MARK: Records

    /// The registered wallets of an owner, in the order of their addresses, stale ones left out.
    public func registered(owner: Address) async throws -> [SmartWallet] {
        try await all(of: owner).filter { !$0.isStale }
    }

    public func wallet(_ address: Address, owner: Address) async throws -> SmartWallet? {
        try await store.readWithoutBlocking { try $0.value(for: WalletKey(owner: owner, wallet: address)) }
    }

    /// Whether the wallet is the owner's: its default wallet, or a registered one (7.4).
    public func isOwned(_ wallet: Address, by owner: Address) async throws -> Bool {
        if try await self.wallet(wallet, owner: owner) != nil { return true }
        return try await derive(owner: owner) == wallet
    }

    /// The salt of a wallet that may act for the owner in a run (5.3): of a registered one, or of one that the default
    /// factory derives from a salt that an owner may use. Nil for any other wallet.
    public func actingSalt(of wallet: Address, for owner: Address) async throws -> UInt256? {
        if let record = try await self.wallet(wallet, owner: owner) { return record.salt }
        for salt in 0..<UInt64(walletLimit) {
            if try await derive(owner: owner, salt: UInt256(salt)) == wallet { return UInt256(salt) }
        }
        return nil
    }

    /// Wallets that one owner may have, 1 to 2,000.
    private var walletLimit: Int { min(max(configuration.limits.walletsPerOwner, 1), 2_000) }

    private func all(of owner: Address) async throws -> [SmartWallet] {
        let limit = StorageLimits.scanRowsMax  // an owner has at most 2,000 wallets
        return try await store.readWithoutBlocking {
            try $0.rows(Rows<WalletKey>(under: owner), limit: limit).map(\.value)
        }
    }

    /// Registers a wallet unless it is registered, and marks a former canonical wallet of the same triple stale (7.2).
    ///
    /// - Parameter ignoresLimit: true for the default wallet of a list, which is there even above the limit.
    /// - Throws: ``EngineError/walletLimit(_:)`` for a new wallet beyond the owner's limit.
    public func register(
        _ address: Address, owner: Address, factory: Address, salt: UInt256, ignoresLimit: Bool = false,
        receipt: Receipt<SmartWallet>? = nil
    ) async throws -> SmartWallet {
        if receipt == nil, let known = try await wallet(address, owner: owner) { return known }
        let isSpaceLow = configuration.isSpaceLow()
        let limit = walletLimit
        return try await store.update { transaction in
            try transaction.once(receipt) { transaction in
                let key = WalletKey(owner: owner, wallet: address)
                if let known = try transaction.value(for: key) { return known }
                guard !isSpaceLow else { throw EngineError.spaceLow(what: "new wallets") }
                return try transaction.register(
                    SmartWallet(owner: owner, address: address, factory: factory, salt: salt), factory: factory,
                    limit: ignoresLimit ? nil : limit)
            }
        }
    }

    /// Changes whether a registered wallet is hidden.
    /// - Throws: ``EngineError/walletNotFound``.
    public func setHidden(
        _ isHidden: Bool, wallet address: Address, owner: Address, receipt: Receipt<SmartWallet>? = nil
    ) async throws -> SmartWallet {
        try await store.update { transaction in
            try transaction.once(receipt) { transaction in
                let key = WalletKey(owner: owner, wallet: address)
                guard var wallet = try transaction.value(for: key) else { throw EngineError.walletNotFound }
                guard wallet.isHidden != isHidden else { return wallet }
                wallet.isHidden = isHidden
                try transaction.put(key, wallet)
                return wallet
            }
        }
    }
}

extension AVSStorage.Transaction {
    /// Writes a new wallet and its place under its salt.
    ///
    /// - Parameter limit: how many wallets the owner may have; `nil` is any number.
    fileprivate mutating func register(
        _ wallet: SmartWallet, factory: Address, limit: Int?
    ) throws -> SmartWallet {
        if let limit, try rows(Rows<WalletKey>(under: wallet.owner), limit: 2_001).count >= limit {
            throw EngineError.walletLimit(limit)
        }
        let bySalt = WalletSaltKey(owner: wallet.owner, factory: factory, salt: wallet.salt)
        if let former = try value(for: bySalt), former != wallet.address {
            try markStale(WalletKey(owner: wallet.owner, wallet: former))
        }
        try put(WalletKey(owner: wallet.owner, wallet: wallet.address), wallet)
        try put(bySalt, wallet.address)
        return wallet
    }

    /// The factory derives another address today: the record stays, because the wallet may hold assets.
    mutating func markStale(_ key: WalletKey) throws {
        guard var wallet = try value(for: key), !wallet.isStale else { return }
        wallet.isStale = true
        wallet.isHidden = true
        try put(key, wallet)
    }
}
