import AVSCrypto
import AVSPrimitives
import Testing

@testable import AVSCrypto

@Suite("Key derivation")
struct KeyDerivationTests {
    @Test(
        "HKDF matches RFC 5869, A.1 to A.3",
        arguments: [
            (
                String(repeating: "0b", count: 22), "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
            ),
            (
                Hex.encode([UInt8](0x00...0x4f)), Hex.encode([UInt8](0x60...0xaf)), Hex.encode([UInt8](0xb0...0xff)),
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
                    + "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
            ),
            (
                String(repeating: "0b", count: 22), "", "",
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
            ),
        ])
    func hkdf(key: String, salt: String, info: String, output: String) throws {
        let derived = try HKDF.deriveKey(
            from: secret(key), salt: bytes(salt), info: bytes(info), count: output.utf8.count / 2)
        #expect(Hex.encode(derived.exposed) == output)
    }

    @Test("HKDF has bounds", arguments: [-1, 0, 8161])
    func hkdfBounds(count: Int) {
        #expect(throws: CryptoError.self) {
            _ = try HKDF.deriveKey(from: secret("00"), salt: [], info: [], count: count)
        }
    }

    @Test(
        "scrypt matches RFC 7914, section 12",
        arguments: [
            (
                "", "", 16, 1,
                "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                    + "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
            ),
            (
                "pleaseletmein", "SodiumChloride", 16384, 8,
                "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                    + "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
            ),
        ])
    func scrypt(text: String, salt: String, n: Int, r: Int, output: String) throws {
        let cost = try Scrypt.Cost(iterations: n, blockSize: r, parallelism: 1)
        let derived = try Scrypt.deriveKey(password: password(text), salt: Array(salt.utf8), cost: cost, count: 64)
        #expect(Hex.encode(derived.exposed) == output)
    }

    @Test("KMS-5 raises libcrypto's memory limit: N of 32,768 works")
    func scryptAboveTheDefaultLimit() throws {
        let cost = try Scrypt.Cost(iterations: 32_768, blockSize: 8, parallelism: 1)
        #expect(try Scrypt.deriveKey(password: password("p"), salt: [1], cost: cost, count: 32).count == 32)
    }

    @Test(
        "KMS-5 bounds what a file may ask of scrypt",
        arguments: [
            (0, 8, 1), (1, 8, 1), (3, 8, 1), (-2, 8, 1), (Int.min, 8, 1), (Int.max, 8, 1), (1 << 21, 8, 1),
            (1024, 0, 1),
            (1024, 17, 1), (1024, -1, 1), (1024, 8, 0), (1024, 8, 9), (1 << 20, 9, 1), (1 << 20, 16, 1),
            (1 << 16, 1, 1),
        ])
    func scryptBounds(n: Int, r: Int, p: Int) {
        #expect(throws: CryptoError.self) { try Scrypt.Cost(iterations: n, blockSize: r, parallelism: p) }
    }

    @Test(
        "KMS-5 allows what reaches the bounds",
        arguments: [(1 << 20, 8, 8), (1 << 19, 16, 8), (2, 1, 1), (1 << 15, 1, 8)])
    func scryptAllowed(n: Int, r: Int, p: Int) {
        #expect(throws: Never.self) { try Scrypt.Cost(iterations: n, blockSize: r, parallelism: p) }
    }

    @Test("PBKDF2 matches RFC 7914, section 11")
    func pbkdf2() throws {
        let derived = try PBKDF2.deriveKey(
            password: password("passwd"), salt: Array("salt".utf8), iterations: 1, count: 64)
        #expect(
            Hex.encode(derived.exposed)
                == "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
                + "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783")
        #expect(throws: CryptoError.self) {
            _ = try PBKDF2.deriveKey(password: password(""), salt: [], iterations: 10_000_001, count: 32)
        }
    }
}
