import AVSPrimitives
import AVSTesting
import Testing

@testable import AVSCrypto

@Suite("AES-256-GCM")
struct AEADTests {
    struct Vector: Sendable {
        let key, nonce, plaintext, associatedData, ciphertext, tag: String
    }

    static let key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
    static let plaintext =
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    static let ciphertext =
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"

    // Origin: McGrew and Viega, The Galois/Counter Mode of Operation, appendix B, test cases 13 to 16.
    static let vectors = [
        Vector(
            key: String(repeating: "0", count: 64), nonce: String(repeating: "0", count: 24), plaintext: "",
            associatedData: "", ciphertext: "", tag: "530f8afbc74536b9a963b4f1c4cb738b"),
        Vector(
            key: String(repeating: "0", count: 64), nonce: String(repeating: "0", count: 24),
            plaintext: String(repeating: "0", count: 32), associatedData: "",
            ciphertext: "cea7403d4d606b6e074ec5d3baf39d18", tag: "d0d1c8a799996bf0265b98b5d48ab919"),
        Vector(
            key: key, nonce: "cafebabefacedbaddecaf888", plaintext: plaintext + "1aafd255", associatedData: "",
            ciphertext: ciphertext + "898015ad", tag: "b094dac5d93471bdec1a502270e3cc6c"),
        Vector(
            key: key, nonce: "cafebabefacedbaddecaf888", plaintext: plaintext,
            associatedData: "feedfacedeadbeeffeedfacedeadbeefabaddad2", ciphertext: ciphertext,
            tag: "76fc6ece0f4e1768cddf8853bb2d551b"),
    ]

    @Test("matches the published vectors", arguments: vectors)
    func published(_ vector: Vector) throws {
        let sealed = try AEAD.seal(
            bytes(vector.plaintext), key: secret(vector.key), associatedData: bytes(vector.associatedData),
            nonce: bytes(vector.nonce))
        #expect(Hex.encode(sealed.ciphertext) == vector.ciphertext)
        #expect(Hex.encode(sealed.tag) == vector.tag)
        let opened = try AEAD.open(sealed, key: secret(vector.key), associatedData: bytes(vector.associatedData))
        #expect(Hex.encode(opened) == vector.plaintext)
    }

    @Test("opens what it sealed, of any length", arguments: [1, 2, 3] as [UInt64])
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let key = try SecretBytes(random: 32, using: &generator)
        for count in [0, 1, 15, 16, 17, 32, 1000, 65_537] {
            let (plaintext, data) = (generator.bytes(count), generator.bytes(count % 50))
            let sealed = try AEAD.seal(plaintext, key: key, associatedData: data, using: &generator)
            #expect(sealed.ciphertext.count == count)
            #expect(try AEAD.open(sealed, key: key, associatedData: data) == plaintext)
        }
    }

    @Test("takes a new nonce each time")
    func nonces() throws {
        var random = SecureRandom()
        let key = try SecretBytes(random: 32, using: &random)
        let nonces = try (0..<100).map { _ in try AEAD.seal([], key: key, associatedData: [], using: &random).nonce }
        #expect(Set(nonces).count == 100)
    }

    @Test("KMS-1 opens nothing that was changed anywhere, moved, cut or sealed under another key")
    func everyByteFlipped() throws {
        var generator = SeededGenerator(seed: 11)
        let key = try SecretBytes(random: 32, using: &generator)
        let sealed = try AEAD.seal(
            Array("a secret".utf8), key: key, associatedData: Array("secret:a".utf8), using: &generator)
        func expectRefused(_ changed: AEAD.Sealed, data: String = "secret:a") {
            #expect(throws: CryptoError.notAuthentic) {
                try AEAD.open(changed, key: key, associatedData: Array(data.utf8))
            }
        }
        for part in [\AEAD.Sealed.nonce, \.ciphertext, \.tag] {
            for offset in sealed[keyPath: part].indices {
                var changed = sealed
                changed[keyPath: part][offset] ^= 0x40
                expectRefused(changed)
                changed = sealed
                changed[keyPath: part].removeSubrange(offset...)
                expectRefused(changed)
            }
            var longer = sealed
            longer[keyPath: part].append(0)
            expectRefused(longer)
        }
        expectRefused(sealed, data: "secret:b")
        expectRefused(sealed, data: "")
        let other = try SecretBytes(random: 32, using: &generator)
        #expect(throws: CryptoError.notAuthentic) {
            try AEAD.open(sealed, key: other, associatedData: Array("secret:a".utf8))
        }
    }

    @Test("has keys of 32 bytes", arguments: [0, 16, 31, 33])
    func keyLength(count: Int) throws {
        var generator = SeededGenerator(seed: 1)
        let key = try SecretBytes(copying: [UInt8](repeating: 1, count: count))
        let sealed = AEAD.Sealed(
            nonce: .init(repeating: 0, count: 12), ciphertext: [], tag: .init(repeating: 0, count: 16))
        #expect(throws: CryptoError.self) { try AEAD.seal([], key: key, associatedData: [], using: &generator) }
        #expect(throws: CryptoError.self) { try AEAD.open(sealed, key: key, associatedData: []) }
    }
}
