public import AVSEthereum
public import AVSModel
import AVSPrimitives
import AVSSchema
public import AVSStorage

/// Brings the index of wallets by salt to what the factory says today, for databases that are older than it.
///
/// A wallet that its factory still derives is entered; one that it no longer derives is marked stale, as a call to
/// GetWallet would, and the index is left as it is. Records without a factory, and those whose derivation fails, are
/// passed over.
public struct WalletBackfill: Sendable {
    /// What became of one record.
    public enum Finding: Hashable, Sendable {
        case canonical
        /// Canonical, and the index did not say so.
        case entered
        case stale
        /// Of a release that did not record factories.
        case legacy
        /// The factory did not answer.
        case failed(String)
    }

    private static let rowsPerTurn = 200

    private let store: any KeyValueStore
    private let chain: any ChainClient
    private let isDryRun: Bool

    /// - Parameter isDryRun: finds the same and writes nothing.
    public init(store: any KeyValueStore, chain: any ChainClient, isDryRun: Bool) {
        self.store = store
        self.chain = chain
        self.isDryRun = isDryRun
    }

    /// Goes through every wallet, in the order of their keys.
    ///
    /// - Parameter report: hears of each.
    /// - Throws: what the store throws, and what `report` throws; the wallets before that are done.
    public func run(_ report: (SmartWallet, Finding) throws -> Void) async throws {
        var rows = Rows<WalletKey>.all
        while true {
            let page = try await store.readWithoutBlocking { [rows] in try $0.rows(rows, limit: Self.rowsPerTurn) }
            for row in page { try report(row.value, await treat(row.value)) }
            guard let last = page.last else { return }
            rows = rows.after(last.key)
        }
    }

    private func treat(_ wallet: SmartWallet) async throws -> Finding {
        guard let factory = wallet.factory else { return .legacy }
        let derived: Address
        do {
            derived = try await chain.walletAddress(owner: wallet.owner, factory: factory, salt: wallet.salt)
        } catch {
            return .failed("\(error)")
        }
        guard derived == wallet.address else {
            if !wallet.isStale, !isDryRun {
                try await store.update { try $0.markStale(WalletKey(owner: wallet.owner, wallet: wallet.address)) }
            }
            return .stale
        }
        let key = WalletSaltKey(owner: wallet.owner, factory: factory, salt: wallet.salt)
        let indexed = try await store.readWithoutBlocking { try $0.value(for: key) }
        guard indexed != wallet.address else { return .canonical }
        if !isDryRun { try await store.update { try $0.put(key, wallet.address) } }
        return .entered
    }
}
