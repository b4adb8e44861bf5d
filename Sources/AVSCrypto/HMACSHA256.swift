public import AVSPrimitives
import CCrypto

/// HMAC with SHA-256 (RFC 2104, RFC 4231), computed by libcrypto.
public enum HMACSHA256 {
    /// The authentication code of `message`, 32 bytes. Compare codes with ``isValid(_:for:key:)``, not with `==`.
    ///
    /// - Throws: ``CryptoError/invalidKey(_:)`` for an empty key, which would authenticate nobody.
    public static func authenticate(
        _ message: [UInt8], key: borrowing SecretBytes
    ) throws(CryptoError) -> Hash32 {
        guard key.count > 0 else { throw .invalidKey("an HMAC key has at least one byte") }
        let keyLength = try LibCrypto.length(key.count, of: "HMAC key")
        var code = [UInt8](repeating: 0, count: 32)
        let done = unsafe key.withUnsafeBytes {
            unsafe HMAC(EVP_sha256(), $0.baseAddress, keyLength, message, message.count, &code, nil) != nil
        }
        guard done, let hash = Hash32(bytes: code) else { throw LibCrypto.failure("HMAC") }
        return hash
    }

    /// Whether `code` authenticates `message`, compared in constant time (SIG-8).
    public static func isValid(
        _ code: [UInt8], for message: [UInt8], key: borrowing SecretBytes
    ) throws(CryptoError) -> Bool {
        constantTimeEquals(code, try authenticate(message, key: key).bytes)
    }
}
