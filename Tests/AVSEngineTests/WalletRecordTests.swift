import AVSEthereum
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Synchronization
import Testing

@testable import AVSEngine

/// A chain whose factories can be changed, and can be silent for some owners.
private final class ChangingChain: ChainClient {
    let chainID: UInt64 = 31_337
    private let state = Mutex<(version: UInt8, silent: Set<Address>)>((0, []))

    func upgrade() { state.withLock { $0.version += 1 } }
    func silence(_ owner: Address) { state.withLock { _ = $0.silent.insert(owner) } }

    func wallet(of owner: Address, salt: UInt256 = .zero) -> Address {
        let version = state.withLock { $0.version }
        return Address(bytes: Keccak256.hash([version] + owner.bytes + salt.bigEndian).bytes.suffix(20)) ?? .zero
    }

    func request(_ method: String, _ parameters: [JSONValue]) async throws(ChainError) -> JSONValue {
        guard let data = parameters.first?["data"]?.stringValue ?? parameters.first?["input"]?.stringValue,
            let bytes = Hex.decode(data), bytes.count == 68, let owner = Address(bytes: bytes[16..<36]),
            let salt = UInt256(bigEndian: bytes[36...]), !state.withLock({ $0.silent.contains(owner) })
        else { throw .malformedAnswer(method: method, reason: "silent") }
        return .string(Hex.encode0x([UInt8](repeating: 0, count: 12) + wallet(of: owner, salt: salt).bytes))
    }
}

@Suite("The record of a wallet")
struct WalletRecordTests {
    private static let factory = Harness.factory
    private static let owner = Harness.owner

    private let chain = ChangingChain()
    private let store = MemoryStore()

    private func directory() -> WalletDirectory {
        let settings = ChainSettings(client: chain, entryPoint: Harness.entryPoint, factory: Self.factory)
        return WalletDirectory(
            store: store,
            configuration: EngineConfiguration(
                chains: [31_337: settings], defaultChainID: 31_337, approvedOperators: []),
            time: ManualTime())
    }

    @discardableResult
    private func register(_ salt: UInt64, in directory: WalletDirectory) async throws -> SmartWallet {
        let salt = UInt256(salt)
        let address = try await directory.derive(owner: Self.owner, salt: salt)
        return try await directory.register(address, owner: Self.owner, factory: Self.factory, salt: salt)
    }

    private func record(_ address: Address) throws -> SmartWallet? {
        try store.read { try $0.value(for: WalletKey(owner: Self.owner, wallet: address)) }
    }

    private func indexed(_ salt: UInt64) throws -> Address? {
        try store.read {
            try $0.value(for: WalletSaltKey(owner: Self.owner, factory: Self.factory, salt: UInt256(salt)))
        }
    }

    @Test("API-10.2.14: is written with its index; what is not there is not found; without a factory there is no index")
    func storing() async throws {
        let wallet = try await register(3, in: directory())
        #expect(try record(wallet.address) == wallet && indexed(3) == wallet.address && indexed(4) == nil)
        let legacy = SmartWallet(owner: Self.owner, address: Harness.stranger, factory: nil, salt: UInt256(4 as UInt64))
        try await store.update { try $0.put(WalletKey(owner: Self.owner, wallet: legacy.address), legacy) }
        try await WalletBackfill(store: store, chain: chain, isDryRun: false).run { _, _ in }
        #expect(try indexed(4) == nil && record(legacy.address) == legacy)
        #expect(try await directory().wallet(Harness.node, owner: Self.owner) == nil)
    }

    @Test("API-10.2.15: is marked stale and hidden when the factory derives another address, and the index names that")
    func upgrade() async throws {
        let old = try await register(3, in: directory())
        chain.upgrade()
        let directory = directory()
        let new = try await register(3, in: directory)
        let stale = try #require(try record(old.address))
        #expect(new.address != old.address && stale.isStale && stale.isHidden && !new.isStale && !new.isHidden)
        #expect(try indexed(3) == new.address)
        // Registered again, it is left as it is: also the one that is stale already.
        let before = try store.read { try $0.rows(Rows<WalletKey>.all, limit: 100).map(\.value) }
        try await register(3, in: directory)
        _ = try await directory.register(
            old.address, owner: Self.owner, factory: Self.factory, salt: UInt256(3 as UInt64))
        #expect(try store.read { try $0.rows(Rows<WalletKey>.all, limit: 100).map(\.value) } == before)
        #expect(try indexed(3) == new.address)
    }

    @Test("API-10.2.16: that is stale is never listed, and may still act")
    func listing() async throws {
        let old = try await register(3, in: directory())
        chain.upgrade()
        let directory = directory()
        try await register(3, in: directory)
        #expect(try await !directory.registered(owner: Self.owner).map(\.address).contains(old.address))
        #expect(try await directory.isOwned(old.address, by: Self.owner))
    }

    @Test("API-10.2.17: is brought to what the factory says, in a dry run only by word", arguments: [true, false])
    func backfill(isDryRun: Bool) async throws {
        let directory = directory()
        let stale = try await register(1, in: directory)
        chain.upgrade()
        let canonical = try await register(2, in: self.directory())
        let silent = SmartWallet(owner: Harness.stranger, address: Harness.node, factory: Self.factory, salt: .zero)
        let legacy = SmartWallet(owner: Self.owner, address: Harness.otherNode, factory: nil, salt: .zero)
        chain.silence(Harness.stranger)
        let missing = WalletSaltKey(owner: Self.owner, factory: Self.factory, salt: UInt256(2 as UInt64))
        try await store.update { transaction in
            for wallet in [silent, legacy] {
                try transaction.put(WalletKey(owner: wallet.owner, wallet: wallet.address), wallet)
            }
            try transaction.delete(missing)  // as a release without the index left it
        }
        let before = try await contents()
        var found: [Address: WalletBackfill.Finding] = [:]
        try await WalletBackfill(store: store, chain: chain, isDryRun: isDryRun).run { found[$0.address] = $1 }
        #expect(
            found[stale.address] == .stale && found[canonical.address] == .entered && found[legacy.address] == .legacy)
        guard case .failed = found[silent.address] else {
            Issue.record("\(found)")
            return
        }
        if isDryRun {
            #expect(try await contents() == before)
            return
        }
        #expect(try indexed(2) == canonical.address && indexed(1) == stale.address)
        #expect(try record(stale.address)?.isStale == true && record(legacy.address) == legacy)
        found = [:]
        let after = try await contents()
        try await WalletBackfill(store: store, chain: chain, isDryRun: false).run { found[$0.address] = $1 }
        #expect(found[canonical.address] == .canonical && found[stale.address] == .stale)
        #expect(try await contents() == after)
    }

    @Test("API-10.2.17: whose writing fails ends the backfill")
    func writeError() async throws {
        try await register(1, in: directory())
        chain.upgrade()
        let failing = FailingStore(store, updates: 0)
        await #expect(throws: StorageError.readOnly("no space")) {
            try await WalletBackfill(store: failing, chain: chain, isDryRun: false).run { _, _ in }
        }
    }

    private func contents() async throws -> [[UInt8]] {
        try store.read { snapshot in
            var rows: [[UInt8]] = []
            _ = try snapshot.scan(.all, order: .ascending, limit: 1_000) { key, value in
                rows.append(key + value)
                return .next
            }
            return rows
        }
    }
}
