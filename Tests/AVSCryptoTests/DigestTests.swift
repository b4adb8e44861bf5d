import AVSCrypto
import AVSPrimitives
import Testing

@Suite("SHA-256")
struct SHA256Tests {
    @Test(
        "matches FIPS 180-4's examples",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                String(repeating: "a", count: 1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
            ),
        ])
    func vectors(text: String, digest: String) {
        #expect(SHA256.hash(Array(text.utf8)) == Hash32(digest))
    }
}

@Suite("HMAC-SHA-256")
struct HMACTests {
    struct Vector: Sendable {
        let key, message, code: String
    }

    // Origin: RFC 4231, test cases 1, 2, 3, 4, 6 and 7 (5 has a truncated code).
    static let vectors = [
        Vector(
            key: String(repeating: "0b", count: 20), message: "4869205468657265",
            code: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        Vector(
            key: "4a656665", message: "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
            code: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        Vector(
            key: String(repeating: "aa", count: 20), message: String(repeating: "dd", count: 50),
            code: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        Vector(
            key: "0102030405060708090a0b0c0d0e0f10111213141516171819", message: String(repeating: "cd", count: 50),
            code: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        Vector(
            key: String(repeating: "aa", count: 131),
            message: Hex.encode(Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8)),
            code: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        Vector(
            key: String(repeating: "aa", count: 131),
            message: Hex.encode(
                Array(
                    ("This is a test using a larger than block-size key and a larger than block-size data. "
                        + "The key needs to be hashed before being used by the HMAC algorithm.").utf8)),
            code: "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
    ]

    @Test("matches RFC 4231", arguments: vectors)
    func rfc4231(_ vector: Vector) throws {
        let message = try bytes(vector.message)
        #expect(try HMACSHA256.authenticate(message, key: secret(vector.key)) == Hash32(vector.code))
        #expect(try HMACSHA256.isValid(bytes(vector.code), for: message, key: secret(vector.key)))
        #expect(try !HMACSHA256.isValid([UInt8](repeating: 0, count: 32), for: message, key: secret(vector.key)))
        #expect(try !HMACSHA256.isValid(Array(bytes(vector.code).prefix(31)), for: message, key: secret(vector.key)))
    }

    @Test("refuses an empty key")
    func emptyKey() {
        #expect(throws: CryptoError.self) { try HMACSHA256.authenticate([], key: secret("")) }
    }

    @Test("SIG-8 comparison finds every difference")
    func comparison() {
        let original = [UInt8](0..<32)
        #expect(constantTimeEquals(original, original))
        #expect(constantTimeEquals([], []))
        #expect(!constantTimeEquals(original, Array(original.dropLast())))
        for offset in original.indices {
            var changed = original
            changed[offset] ^= 1
            #expect(!constantTimeEquals(original, changed))
        }
    }
}

@Suite("Randomness")
struct SecureRandomTests {
    @Test("does not repeat")
    func distinct() {
        var random = SecureRandom()
        #expect(Set((0..<1000).map { _ in random.next() }).count == 1000)
    }
}
