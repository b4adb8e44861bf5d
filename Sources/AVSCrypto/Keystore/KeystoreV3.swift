public import AVSPrimitives

/// An encrypted private key in Ethereum's keystore format, version 3 (KMS-5).
///
/// Reads scrypt and PBKDF2 files, writes scrypt ones. Nothing in it is secret without the password.
///
///     password ─scrypt─► 32 bytes:  | AES-128-CTR key: 16 | MAC key: 16 |
///     ciphertext = AES-128-CTR(private key);  mac = keccak256(MAC key | ciphertext)
///
/// Source: Ethereum wiki, *Web3 Secret Storage Definition*.
public struct KeystoreV3: Hashable, Sendable {
    enum KDF: Hashable, Sendable {
        case scrypt(Scrypt.Cost)
        case pbkdf2(iterations: Int)
    }

    /// The address that the file names. Not part of the MAC, so it is checked against the key when unlocked.
    public let address: Address?
    /// The file's own identifier, a UUID; carried along and never interpreted.
    public let id: String?
    let kdf: KDF
    let salt: [UInt8]
    let counter: [UInt8]
    let ciphertext: [UInt8]
    let mac: [UInt8]

    /// Decrypts the key. Blocks for as long as the file's KDF parameters say (usually a second, and 256 MiB), so never
    /// on an event loop.
    ///
    /// - Throws: ``KeystoreError/wrongPassword``; ``KeystoreError/addressMismatch(file:key:)`` if the key does not
    ///   give ``address``; ``KeystoreError/crypto(_:)`` if the decrypted bytes are no key.
    public func unlock(password: borrowing SecretBytes) throws(KeystoreError) -> SigningKey {
        let key: SigningKey
        do throws(CryptoError) {
            let derived = try deriveKey(password: password)
            guard constantTimeEquals(try Self.mac(of: ciphertext, derived: derived), mac) else {
                throw CryptoError.notAuthentic
            }
            key = try SigningKey(Self.applyCipher(to: ciphertext, derived: derived, counter: counter))
        } catch .notAuthentic {
            throw .wrongPassword
        } catch {
            throw .crypto(error)
        }
        if let address, address != key.address { throw .addressMismatch(file: address, key: key.address) }
        return key
    }

    /// Encrypts `key` under `password`. Blocks as ``unlock(password:)`` does.
    ///
    /// - Parameters:
    ///   - cost: ``Scrypt/Cost/standard`` for every key that matters; tests take a cheaper one.
    ///   - generator: makes salt, counter and id; ``SecureRandom`` outside of tests.
    public static func lock(
        _ key: SigningKey, password: borrowing SecretBytes, cost: Scrypt.Cost = .standard,
        using generator: inout some RandomNumberGenerator
    ) throws(KeystoreError) -> KeystoreV3 {
        let salt = generator.bytes(32)
        let counter = generator.bytes(AES128CTR.counterByteCount)
        let id = uuid(generator.bytes(16))
        do throws(CryptoError) {
            let derived = try Scrypt.deriveKey(password: password, salt: salt, cost: cost, count: 32)
            let ciphertext = try key.withSecret { secret throws(CryptoError) in
                try encrypt(secret, derived: derived, counter: counter)
            }
            return KeystoreV3(
                address: key.address, id: id, kdf: .scrypt(cost), salt: salt, counter: counter, ciphertext: ciphertext,
                mac: try mac(of: ciphertext, derived: derived))
        } catch {
            throw .crypto(error)
        }
    }

    private func deriveKey(password: borrowing SecretBytes) throws(CryptoError) -> SecretBytes {
        switch kdf {
        case .scrypt(let cost):
            try Scrypt.deriveKey(password: password, salt: salt, cost: cost, count: 32)
        case .pbkdf2(let iterations):
            try PBKDF2.deriveKey(password: password, salt: salt, iterations: iterations, count: 32)
        }
    }

    private static func mac(
        of ciphertext: [UInt8], derived: borrowing SecretBytes
    ) throws(CryptoError) -> [UInt8] {
        unsafe derived.withUnsafeBytes { derived in
            unsafe ciphertext.withUnsafeBytes { ciphertext in
                // Joined without a copy: half of it is key material.
                unsafe Keccak256.hash([UnsafeRawBufferPointer(rebasing: derived.suffix(16)), ciphertext].joined()).bytes
            }
        }
    }

    private static func applyCipher(
        to ciphertext: [UInt8], derived: borrowing SecretBytes, counter: [UInt8]
    ) throws(CryptoError) -> SecretBytes {
        let key = try cipherKey(of: derived)
        let leadingZeros = max(0, SigningKey.byteCount - ciphertext.count)
        return try unsafe SecretBytes(count: leadingZeros + ciphertext.count) { output throws(CryptoError) in
            try unsafe AES128CTR.apply(
                to: ciphertext, count: ciphertext.count, key: key, counter: counter, into: output + leadingZeros)
        }
    }

    private static func encrypt(
        _ secret: borrowing SecretBytes, derived: borrowing SecretBytes, counter: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        let key = try cipherKey(of: derived)
        var ciphertext = [UInt8](repeating: 0, count: secret.count)
        let count = secret.count
        try unsafe secret.withBytePointer { input throws(CryptoError) in
            try unsafe AES128CTR.apply(to: input, count: count, key: key, counter: counter, into: &ciphertext)
        }
        return ciphertext
    }

    private static func cipherKey(of derived: borrowing SecretBytes) throws(CryptoError) -> SecretBytes {
        let derivedCount = derived.count
        return try unsafe derived.withBytePointer { derived throws(CryptoError) -> SecretBytes in
            guard derivedCount >= AES128CTR.keyByteCount else { throw .invalidKey("derived key is too short") }
            return try unsafe SecretBytes(count: AES128CTR.keyByteCount) { output throws(CryptoError) in
                unsafe output.update(from: derived, count: AES128CTR.keyByteCount)
            }
        }
    }

    /// A random (version 4) UUID of RFC 9562 from 16 random bytes.
    private static func uuid(_ random: [UInt8]) -> String {
        var bytes = random
        if bytes.count == 16 {
            bytes[6] = bytes[6] & 0x0f | 0x40
            bytes[8] = bytes[8] & 0x3f | 0x80
        }
        let digits = Hex.encode(bytes)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append("-") }
            text.append(digit)
        }
        return text
    }
}
