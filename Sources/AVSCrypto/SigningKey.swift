public import AVSPrimitives

/// A secp256k1 private key that signs and is never shown. Prints as `<key>`.
///
/// Safe to use from several threads at once: the secret is only read, and libsecp256k1 allows concurrent signing.
public final class SigningKey: Sendable, CustomStringConvertible, CustomReflectable {
    public static let byteCount = 32

    private let secret: SecretBytes
    public let publicKey: PublicKey
    public let address: Address

    /// - Parameter secret: 32 bytes, big-endian, from 1 to the order of the curve − 1.
    /// - Throws: ``CryptoError/invalidKey(_:)`` for any other bytes.
    public init(_ secret: consuming SecretBytes) throws(CryptoError) {
        publicKey = try Secp256k1.publicKey(of: secret)
        address = publicKey.address
        self.secret = secret
    }

    /// For tests and for keys that are public anyway: the caller's array keeps the bytes and is not wiped (KMS-6).
    public convenience init(bytes: [UInt8]) throws(CryptoError) {
        try self.init(SecretBytes(copying: bytes))
    }

    /// A new key. `generator` must be ``SecureRandom`` outside of tests.
    public static func generate(using generator: inout some RandomNumberGenerator) throws(CryptoError) -> SigningKey {
        // Out of 2²⁵⁶ values about 2¹²⁸ are no key, so a second attempt means a broken generator.
        try SigningKey(SecretBytes(random: byteCount, using: &generator))
    }

    /// Signs a digest. s is in the lower half of the order, and the nonce is the RFC 6979 one: the same key and digest
    /// always give the same signature.
    ///
    /// - Throws: ``CryptoError/library(call:code:text:)`` if the library has no context, ever or never.
    public func sign(_ digest: Hash32) throws(CryptoError) -> Signature {
        let (compact, recoveryID) = try Secp256k1.sign(digest.bytes, with: secret)
        // 2 and 3 mean that r was at or above the order before reduction: a chance of 2⁻¹²⁷ that v cannot express.
        guard let parity = UInt8(exactly: recoveryID), parity < 2 else {
            throw .invalidSignature("recovery id \(recoveryID) has no v")
        }
        return Signature(compact: compact, parity: parity)
    }

    /// Signs text as wallets do, by ``SignedMessage/digest(of:)``.
    public func signMessage(_ text: [UInt8]) throws(CryptoError) -> Signature {
        try sign(SignedMessage.digest(of: text))
    }

    public var description: String { "<key>" }
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// Lends the secret to the keystore writer.
    func withSecret<Result: ~Copyable, Failure: Error>(
        _ body: (borrowing SecretBytes) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(secret)
    }
}
