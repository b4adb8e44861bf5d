import CCrypto

/// AES-256-GCM: encryption that also proves that nothing was changed (NIST SP 800-38D).
///
/// One key may seal 2³² messages before random nonces come near their bound; KMS-1 derives a key per owner.
public enum AEAD {
    public static let keyByteCount = 32
    public static let nonceByteCount = 12
    public static let tagByteCount = 16

    /// A sealed message. None of it is secret.
    public struct Sealed: Hashable, Sendable {
        /// 12 bytes, never used twice with one key.
        public var nonce: [UInt8]
        /// As long as the plaintext.
        public var ciphertext: [UInt8]
        /// 16 bytes.
        public var tag: [UInt8]

        public init(nonce: [UInt8], ciphertext: [UInt8], tag: [UInt8]) {
            (self.nonce, self.ciphertext, self.tag) = (nonce, ciphertext, tag)
        }
    }

    /// Seals with a fresh nonce of `generator`, which must be ``SecureRandom`` outside of tests.
    ///
    /// - Parameter associatedData: not stored, but must be the same when opened: where the message belongs, so that
    ///   a record moved to another place does not open (KMS-1).
    public static func seal(
        _ plaintext: [UInt8], key: borrowing SecretBytes, associatedData: [UInt8],
        using generator: inout some RandomNumberGenerator
    ) throws(CryptoError) -> Sealed {
        try seal(plaintext, key: key, associatedData: associatedData, nonce: generator.bytes(nonceByteCount))
    }

    /// With a nonce of the caller's choice: for published vectors.
    static func seal(
        _ plaintext: [UInt8], key: borrowing SecretBytes, associatedData: [UInt8], nonce: [UInt8]
    ) throws(CryptoError) -> Sealed {
        try check(key, nonce)
        let cipher = try CipherContext.open(.encrypt)
        try unsafe cipher.begin(EVP_aes_256_gcm(), key: key, nonce: nonce)
        try cipher.authenticate(associatedData)
        let ciphertext = try cipher.update(plaintext)
        guard cipher.finish() else { throw LibCrypto.failure("EVP_CipherFinal_ex") }
        return Sealed(nonce: nonce, ciphertext: ciphertext, tag: try cipher.tag(count: tagByteCount))
    }

    /// - Throws: ``CryptoError/notAuthentic`` if the message, the key or the associated data is not the sealed one;
    ///   nothing of the plaintext is given out then.
    public static func open(
        _ sealed: Sealed, key: borrowing SecretBytes, associatedData: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        guard key.count == keyByteCount else { throw keyLength(key.count) }
        // These come from a disk or a peer: a wrong length is a changed message, not a mistake of ours.
        guard sealed.nonce.count == nonceByteCount, sealed.tag.count == tagByteCount else { throw .notAuthentic }
        let cipher = try CipherContext.open(.decrypt)
        try unsafe cipher.begin(EVP_aes_256_gcm(), key: key, nonce: sealed.nonce)
        try cipher.expect(tag: sealed.tag)
        try cipher.authenticate(associatedData)
        let plaintext = try cipher.update(sealed.ciphertext)
        guard cipher.finish() else { throw .notAuthentic }
        return plaintext
    }

    private static func check(_ key: borrowing SecretBytes, _ nonce: [UInt8]) throws(CryptoError) {
        guard key.count == keyByteCount else { throw keyLength(key.count) }
        guard nonce.count == nonceByteCount else {
            throw .outOfRange("a nonce of \(nonce.count) bytes, AES-256-GCM takes \(nonceByteCount)")
        }
    }

    private static func keyLength(_ count: Int) -> CryptoError {
        .invalidKey("\(count) bytes, AES-256-GCM takes \(keyByteCount)")
    }
}

/// AES-128 in counter mode, the cipher of keystore files. It proves nothing: compare the file's MAC first.
enum AES128CTR {
    static let keyByteCount = 16
    static let counterByteCount = 16

    /// Encryption and decryption are the same.
    static func apply(
        to input: UnsafePointer<UInt8>, count: Int, key: borrowing SecretBytes, counter: [UInt8],
        into output: UnsafeMutablePointer<UInt8>
    ) throws(CryptoError) {
        guard key.count == keyByteCount, counter.count == counterByteCount else {
            throw .invalidKey("AES-128-CTR takes a key of 16 bytes and a counter of 16")
        }
        let cipher = try CipherContext.open(.encrypt)
        try unsafe cipher.begin(EVP_aes_128_ctr(), key: key, nonce: counter)
        try unsafe cipher.update(input, count: count, into: output)
    }
}
