import AVSCrypto
import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSTesting
import Synchronization
import Testing

@testable import AVSEngine

/// Root keys that a test changes.
final class TestRootKeys: RootKeyProvider {
    private let keys: Mutex<[RootKey]>
    private let prepared = Mutex<RootKey?>(nil)

    /// What the next rotation makes.
    var next: RootKey? {
        get { prepared.withLock { $0 } }
        set { prepared.withLock { $0 = newValue } }
    }

    init(_ keys: [RootKey]) { self.keys = Mutex(keys) }

    func set(_ keys: [RootKey]) { self.keys.withLock { $0 = keys } }
    func load() -> [RootKey] { keys.withLock { $0 } }

    func rotate() throws -> RootKey.ID {
        guard let next else { throw RootKeyFileTrouble.fixed }
        keys.withLock { $0.insert(next, at: 0) }
        return next.id
    }

    func retire(_ id: RootKey.ID) { keys.withLock { $0.removeAll { $0.id == id } } }

    static func key(_ number: UInt8) throws -> RootKey {
        try RootKey(SharedSecret(try SecretBytes(copying: [UInt8](repeating: number, count: RootKey.byteCount))))
    }
}

@Suite("A sealed secret")
struct SecretSealingTests {
    private static func key(
        _ name: String = "key", scope: SecretScope = .user, owner: Address = Harness.owner
    ) throws -> SecretKey {
        SecretKey(owner: owner, scope: scope, name: try SecretName(name))
    }

    private static func sealed(_ value: [UInt8], at key: SecretKey, seed: UInt64 = 1) throws -> SealedSecret {
        var random = SeededGenerator(seed: seed)
        let now = Timestamp(seconds: 1)
        return try SecretSealer.seal(
            value, at: key, with: try TestRootKeys.key(1), createdAt: now, updatedAt: now, using: &random)
    }

    private static func keys() throws -> RootKeys { RootKeys([try TestRootKeys.key(1)]) }

    @Test(
        "KMS-1: opens to what it was, padded to 32 bytes so that its length is not told",
        arguments: [0, 1, 27, 28, 29, 60, 61, 65_536])
    func roundTrip(count: Int) throws {
        let value = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let sealed = try Self.sealed(value, at: Self.key())
        #expect(sealed.ciphertext.count == (count + 4 + 31) / 32 * 32)
        let stored = try StoredSecret(stored: StoredSecret.sealed(sealed).stored)
        #expect(try SecretSealer.open(stored, at: Self.key(), with: Self.keys()) == value)
    }

    @Test("KMS-1: does not open under another name, scope or owner: a row that was moved or copied tells nothing")
    func moved() throws {
        let sealed = StoredSecret.sealed(try Self.sealed([1, 2, 3], at: Self.key()))
        let workflow = try #require(ScopeID("w1"))
        let places = try [
            Self.key("kez"), Self.key("key_"), Self.key(scope: .workflow(workflow)),
            Self.key(scope: .organisation(workflow)),
            Self.key(owner: Harness.stranger),
        ]
        for place in places {
            #expect(throws: SecretTrouble.notAuthentic) { try SecretSealer.open(sealed, at: place, with: Self.keys()) }
        }
    }

    @Test("KMS-1: does not open with any byte changed")
    func changed() throws {
        let sealed = try Self.sealed([1, 2, 3], at: Self.key())
        for path in [\SealedSecret.ciphertext, \.nonce, \.tag] {
            for place in sealed[keyPath: path].indices {
                var other = sealed
                other[keyPath: path][place] ^= 1
                #expect(throws: SecretTrouble.notAuthentic) {
                    try SecretSealer.open(.sealed(other), at: Self.key(), with: Self.keys())
                }
            }
            var cut = sealed
            cut[keyPath: path].removeLast()
            #expect(throws: SecretTrouble.notAuthentic) {
                try SecretSealer.open(.sealed(cut), at: Self.key(), with: Self.keys())
            }
        }
    }

    @Test("KMS-1: is another one each time, and under each owner's own key")
    func nonces() throws {
        let (first, second) = (
            try Self.sealed([1], at: Self.key(), seed: 1), try Self.sealed([1], at: Self.key(), seed: 2)
        )
        #expect(first.nonce != second.nonce && first.ciphertext != second.ciphertext)
        let stranger = try Self.sealed([1], at: Self.key(owner: Harness.stranger), seed: 1)
        #expect(first.nonce == stranger.nonce && first.ciphertext != stranger.ciphertext)
    }

    @Test("names its root key by an id that is not the key, and says when that is gone")
    func missingKey() throws {
        let sealed = StoredSecret.sealed(try Self.sealed([1], at: Self.key()))
        let (old, new) = (try TestRootKeys.key(1), try TestRootKeys.key(2))
        #expect(old.id != new.id && "\(old.id)".count == 16 && !"\(old.id)".contains("01010101"))
        #expect(throws: SecretTrouble.unknownRootKey(old.id)) {
            try SecretSealer.open(sealed, at: Self.key(), with: RootKeys([new]))
        }
        #expect(throws: SecretTrouble.noRootKey) { try SecretSealer.open(sealed, at: Self.key(), with: RootKeys()) }
    }

    @Test(
        "KMS-4: a text of an older release is never taken for a record",
        arguments: ["", "hunter2", "\u{80}", "é", "\0\u{1}"])
    func plain(text: String) throws {
        #expect(try StoredSecret(stored: Array(text.utf8)) == .plain(Array(text.utf8)))
        #expect(StoredSecret.sealed(try Self.sealed([], at: Self.key())).stored.first == 0x80)
    }

    @Test("that is cut or garbage never opens to anything else, whatever the bytes")
    func garbage() throws {
        let stored = StoredSecret.sealed(try Self.sealed([1, 2, 3], at: Self.key())).stored
        for end in 1..<stored.count {
            let value: [UInt8]
            do {
                value = try SecretSealer.open(
                    StoredSecret(stored: Array(stored[..<end])), at: Self.key(), with: Self.keys())
            } catch {
                continue
            }
            #expect(value == [1, 2, 3])  // cut behind the tag only times are missing
        }
        var random = SeededGenerator(seed: 9)
        for _ in 0..<2_000 {
            let bytes =
                [0x80]
                + (0..<Int.random(in: 0..<80, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            do { _ = try SecretSealer.open(StoredSecret(stored: bytes), at: Self.key(), with: Self.keys()) } catch {
                continue
            }
            Issue.record("opened: \(bytes)")
        }
    }
}
