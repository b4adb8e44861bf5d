import AVSCrypto
import AVSPrimitives
import AVSTesting
import Testing

@Suite("A keystore file")
struct KeystoreTests {
    // Origin: Ethereum wiki, Web3 Secret Storage Definition, test vectors; the password is "testpassword", the address
    // 0x008aeeda4d805471df9b2a5b0f38a0c3bcba786b.
    static let pbkdf2 = """
        {"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},\
        "ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2",\
        "kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256",\
        "salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},\
        "mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},\
        "id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}
        """
    static let scrypt = """
        {"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"83dbcc02d8ccb40e466191a123791e0e"},\
        "ciphertext":"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c","kdf":"scrypt",\
        "kdfparams":{"dklen":32,"n":262144,"p":8,"r":1,\
        "salt":"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"},\
        "mac":"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"},\
        "id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}
        """
    // Origin: eth-account 0.14.0b1, `Account.encrypt(key, "pässwörd", kdf="scrypt", iterations=4096)`.
    static let ethAccount = """
        {"address": "2c7536E3605D9C16a7a3D7b1898e529396a65c23", "crypto": {"cipher": "aes-128-ctr", "cipherparams":
        {"iv": "9a717c0cca8d9b200f22de4ef4ef502d"}, "ciphertext":
        "a035ef586592055bb6b3a2828378ef428a25efe61807d2c8603c7210a7ef1cfc", "kdf": "scrypt", "kdfparams":
        {"dklen": 32, "n": 4096, "r": 8, "p": 1, "salt": "ef6ec0c80cbcd06c711493e654534cee"}, "mac":
        "3a6f71da4e9bcc7de1ddbdd6b4bbee322a01cc556c0068499a8b63d149f7491c"},
        "id": "ae181f0c-284f-4b6b-8f7a-059be6ea801c", "version": 3}
        """

    private func read(_ json: String) throws(KeystoreError) -> KeystoreV3 { try KeystoreV3(json: Array(json.utf8)) }

    // Origin: go-ethereum, accounts/keystore/testdata/v3_test_vector.json, "31_byte_key"; the password is "foo".
    static let shortKey = """
        {"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"e0c41130a323adc1446fc82f724bca2f"},\
        "ciphertext":"9517cd5bdbe69076f9bf5057248c6c050141e970efa36ce53692d5d59a3984","kdf":"scrypt","kdfparams":\
        {"dklen":32,"n":2,"r":8,"p":1,"salt":"711f816911c92d649fb4c84b047915679933555030b3552c1212609b38208c63"},\
        "mac":"d5e116151c6aa71470e67a7d42c9620c75c4d23229847dcc127794f0732b0db5"},\
        "id":"fecfc4ce-e956-48fd-953b-30f8b52ed66c","version":3}
        """

    @Test(
        "KMS-5 of the published format opens",
        arguments: [
            (pbkdf2, "testpassword", "0x008aeeda4d805471df9b2a5b0f38a0c3bcba786b"),
            (shortKey, "foo", "0xd1E64E5480bFaf733Ba7D48712DEcb8227797a4e"),
        ])
    func published(json: String, text: String, address: String) throws {
        #expect(try read(json).unlock(password: password(text)).address == Address(address))
    }

    @Test("KMS-5 with n and r that RFC 7914 forbids is refused, although it is the published scrypt example")
    func forbiddenByTheRFC() {
        #expect {
            try read(Self.scrypt)
        } throws: {
            "\($0)".contains("scrypt n is 262144, with r 1 it must be below 2^(16 r)")
        }
    }

    @Test("of another implementation opens, and only with its password")
    func foreign() throws {
        let keystore = try read(Self.ethAccount)
        #expect(try keystore.unlock(password: password("pässwörd")).address == keystore.address)
        #expect(throws: KeystoreError.wrongPassword) { try keystore.unlock(password: password("password")) }
        #expect(throws: KeystoreError.wrongPassword) { try keystore.unlock(password: password("")) }
    }

    @Test("that we write, we read", arguments: [1, 2] as [UInt64])
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let key = try SigningKey.generate(using: &generator)
        let cheap = try Scrypt.Cost(iterations: 1024, blockSize: 8, parallelism: 1)
        let written = try KeystoreV3.lock(key, password: password("p"), cost: cheap, using: &generator)
        let again = try read(written.json)
        #expect(again == written)
        #expect(again.address == key.address)
        #expect(try again.unlock(password: password("p")).address == key.address)
        #expect(written.json.contains(#""address":"\#(key.address.lowercased.dropFirst(2))""#))
        #expect(try #require(again.id).split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
    }

    @Test("KMS-5 is written with N = 262,144 unless a test says otherwise")
    func standardCost() {
        #expect(Scrypt.Cost.standard.iterations == 262_144)
        #expect(Scrypt.Cost.standard.blockSize == 8)
        #expect(Scrypt.Cost.standard.parallelism == 1)
    }

    @Test("KMS-5 that names another address does not open")
    func otherAddress() throws {
        let json = Self.ethAccount.replacing(
            "2c7536E3605D9C16a7a3D7b1898e529396a65c23", with: "008aeeda4d805471df9b2a5b0f38a0c3bcba786b")
        let keystore = try read(json)
        #expect {
            try keystore.unlock(password: password("pässwörd"))
        } throws: {
            if case KeystoreError.addressMismatch = $0 { true } else { false }
        }
    }

    @Test(
        "KMS-5 that would cost too much is refused before any work",
        arguments: [
            (#""n": 4096"#, #""n": 2097152"#), (#""n": 4096"#, #""n": 4095"#), (#""n": 4096"#, #""n": 0"#),
            (#""n": 4096"#, #""n": -4096"#), (#""r": 8"#, #""r": 17"#), (#""p": 1"#, #""p": 9"#),
            (#""p": 1"#, #""p": 0"#),
        ])
    func tooExpensive(part: String, replacement: String) {
        #expect {
            try read(Self.ethAccount.replacing(part, with: replacement))
        } throws: {
            if case KeystoreError.costOutOfBounds = $0 { true } else { false }
        }
    }

    @Test(
        "that is none is refused with the field that is wrong",
        arguments: [
            (#""version": 3"#, #""version": 1"#, "version"), (#""version": 3"#, #""version": "3""#, "version"),
            ("aes-128-ctr", "aes-256-ctr", "cipher"), (#""kdf": "scrypt""#, #""kdf": "argon2id""#, "kdf"),
            (#""dklen": 32"#, #""dklen": 64"#, "dklen"), (#""n": 4096"#, #""n": 4096.5"#, "kdfparams.n"),
            (#""n": 4096"#, #""n": 1e400"#, "number"), (#""salt""#, #""sale""#, "kdfparams.salt"),
            ("9a717c0cca8d9b200f22de4ef4ef502d", "9a717c", "cipherparams.iv"), (#""mac""#, #""max""#, "mac"),
            ("a035ef58", "a035ef5g", "ciphertext"), (#""crypto""#, #""crypt""#, "Crypto"),
            ("2c7536E3", "2c7536", "address"),
            (#""version": 3"#, #""version": 3, "version": 3"#, "twice"),
        ])
    func malformed(part: String, replacement: String, named: String) {
        #expect {
            try read(Self.ethAccount.replacing(part, with: replacement))
        } throws: {
            "\($0)".contains(named)
        }
    }

    @Test("cut anywhere, or with any byte changed, gives an error or the same key, and never traps")
    func damaged() throws {
        let bytes = Array(Self.ethAccount.utf8)
        for end in bytes.indices {
            #expect(throws: KeystoreError.self) { try KeystoreV3(json: Array(bytes[..<end])) }
        }
        for offset in bytes.indices {
            var changed = bytes
            changed[offset] ^= 0x11
            _ = try? KeystoreV3(json: changed)
        }
        #expect(throws: KeystoreError.self) { try KeystoreV3(json: .init(repeating: UInt8(ascii: "["), count: 20_000)) }
    }
}
