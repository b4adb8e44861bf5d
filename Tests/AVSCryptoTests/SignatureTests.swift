import AVSEthereum
import AVSPrimitives
import AVSTesting
import Synchronization
import Testing

@testable import AVSCrypto

@Suite("A signature")
struct SignatureTests {
    /// The order of secp256k1.
    static let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
    static let digest = SignedMessage.digest(of: Array("hello".utf8))
    static let r = "e5ddc160e4c8f92de507c7db9b982d4f9b7197bfa421864aeadc586bc96b09ae"
    static let s = "0ba0c5b131650ae4994cff1839341d00f3735ef5abc62ac8fe2cf50f65208e2a"

    @Test("SIG-1 is made over the EIP-191 digest as wallets make it", arguments: signedTexts)
    func vectors(_ vector: SignedText) throws {
        let key = try SigningKey(secret(vector.key))
        let text = Array(vector.text.utf8)
        #expect(key.address == Address(vector.address))
        #expect(SignedMessage.digest(of: text) == Hash32(vector.digest))

        let signature = try key.signMessage(text)
        #expect(signature.hex == "0x" + vector.signature)
        #expect(try signature.recoverAddress(digest: SignedMessage.digest(of: text)) == key.address)
        #expect(signature.isValid(for: SignedMessage.digest(of: text), by: key.address))
        #expect(!signature.isValid(for: Hash32.zero, by: key.address))
    }

    @Test("SIG-1 counts bytes, not characters, and normalises nothing")
    func bytesOfText() {
        let composed = SignedMessage.digest(of: Array("\u{e9}".utf8))
        let decomposed = SignedMessage.digest(of: Array("e\u{301}".utf8))
        #expect(composed != decomposed)
        #expect(composed == Keccak256.hash(Array("\u{19}Ethereum Signed Message:\n2\u{e9}".utf8)))
    }

    @Test("has the nonce of RFC 6979")
    func deterministic() throws {
        // Origin: the widely published secp256k1 test vectors of RFC 6979, key 1, SHA-256 of "Satoshi Nakamoto".
        let key = try SigningKey(secret(String(repeating: "0", count: 63) + "1"))
        let signature = try key.sign(SHA256.hash(Array("Satoshi Nakamoto".utf8)))
        #expect(Hex.encode(signature.r) == "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8")
        #expect(Hex.encode(signature.s) == "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5")
    }

    @Test("T06 takes v of 0, 1, 27 and 28 and no other of the 256")
    func recoveryIDs() throws {
        for v in UInt8.min ... .max {
            let signature = try Signature(bytes: bytes(Self.r + Self.s) + [v])
            guard [0, 1, 27, 28].contains(v) else {
                #expect(signature == nil, "v = \(v)")
                continue
            }
            let accepted = try #require(signature)
            #expect(accepted.v == 27 + v % 27)
            #expect(throws: Never.self) { try accepted.recoverAddress(digest: Self.digest) }
        }
    }

    @Test("T06 has 65 bytes and no other length from 0 to 200")
    func lengths() {
        for count in 0...200 {
            #expect((Signature(bytes: [UInt8](repeating: 1, count: count)) != nil) == (count == 65), "\(count) bytes")
        }
    }

    @Test("reads hexadecimal with and without 0x and nothing else")
    func hex() throws {
        let text = Self.r + Self.s + "1b"
        #expect(Signature(hex: text) == Signature(hex: "0x" + text))
        #expect(Signature(hex: "0x" + text)?.hex == "0x" + text)
        for wrong in ["", "0x", text + "00", String(text.dropLast()), "0y" + text, text.replacing("e", with: "g")] {
            #expect(Signature(hex: wrong) == nil)
        }
    }

    @Test(
        "SIG-2 recovers nothing from r or s of zero or at least the order",
        arguments: [
            (String(repeating: "0", count: 64), s), (r, String(repeating: "0", count: 64)), (order, s), (r, order),
            (String(repeating: "f", count: 64), s), (r, String(repeating: "f", count: 64)),
        ])
    func outOfRange(r: String, s: String) throws {
        for v in ["1b", "1c"] {
            let signature = try #require(Signature(hex: r + s + v))
            #expect(throws: CryptoError.self) { try signature.recoverAddress(digest: Self.digest) }
            #expect(!signature.isValid(for: Self.digest, by: .zero))
        }
    }

    @Test("SIG-2 with an unchecked recovery id is an error, not the end of the process", arguments: [4, 27, 255, -1])
    func illegalArgument(recoveryID: Int32) throws {
        let before = Secp256k1.illegalCallCount.load(ordering: .relaxed)
        #expect(throws: CryptoError.self) {
            try Secp256k1.recover(
                compact: bytes(Self.r + Self.s), recoveryID: recoveryID, digest: Self.digest.bytes)
        }
        #expect(Secp256k1.illegalCallCount.load(ordering: .relaxed) > before)
    }

    @Test(
        "SIG-3, T05 recovers the same signer in its high-s form, and ours are low-s",
        arguments: [1, 2, 3, 4, 5] as [UInt64])
    func malleable(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let key = try SigningKey.generate(using: &generator)
        let digest = try #require(Hash32(bytes: generator.bytes(32)))
        let signature = try key.sign(digest)
        let order = try #require(UInt256(hex: Self.order))
        let s = try #require(UInt256(bigEndian: signature.s))
        let high = try #require(UInt256(order.magnitude - s.magnitude))
        #expect(s < high)

        let flipped = try #require(Signature(bytes: signature.r + high.bigEndian + [signature.v == 27 ? 28 : 27]))
        #expect(try flipped.recoverAddress(digest: digest) == key.address)
    }

    @Test("SIG-4 with any one byte changed never names its signer, and never traps")
    func everyByteFlipped() throws {
        let key = try SigningKey(secret(String(repeating: "0", count: 63) + "1"))
        let original = try key.sign(Self.digest).bytes
        for offset in original.indices {
            for mask in [0x01, 0x80, 0xff] as [UInt8] {
                var changed = original
                changed[offset] ^= mask
                #expect(Signature(bytes: changed)?.isValid(for: Self.digest, by: key.address) != true)
            }
        }
    }

    @Test("of random bytes never traps", arguments: [7, 8] as [UInt64])
    func randomBytes(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let random = generator.bytes(64) + [UInt8.random(in: 0...1, using: &generator)]
            #expect(Signature(bytes: random)?.isValid(for: Self.digest, by: .zero) != true)
        }
    }
}
