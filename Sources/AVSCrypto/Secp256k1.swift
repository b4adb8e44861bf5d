import CSecp256k1
import Synchronization

/// The one context of libsecp256k1, and the calls that share it.
enum Secp256k1 {
    /// How often the library was asked something illegal. Zero unless a check of ours is missing.
    static let illegalCallCount = Atomic<Int>(0)

    /// libsecp256k1: "a constructed context can safely be used from multiple threads simultaneously" for calls that
    /// take it as `const`, and after its creation here only those are made.
    private nonisolated(unsafe) static let shared: OpaquePointer? = unsafe makeContext()

    static func context() throws(CryptoError) -> OpaquePointer {
        guard let context = unsafe shared else {
            throw .library(call: "secp256k1_context_create", code: 0, text: "no context")
        }
        return unsafe context
    }

    private static func makeContext() -> OpaquePointer? {
        guard let context = unsafe secp256k1_context_create(csecp256k1_context_none()) else { return nil }
        // The default handler aborts the process. Ours records; the call that was illegal then answers 0 (SIG-2).
        unsafe secp256k1_context_set_illegal_callback(
            context, { _, _ in Secp256k1.illegalCallCount.add(1, ordering: .relaxed) }, nil)
        // Blinds the arithmetic of signing against side channels. If it fails the context works without.
        var generator = SecureRandom()
        _ = unsafe secp256k1_context_randomize(context, generator.bytes(32))
        return unsafe context
    }

    /// The public key of a secret key, as the 64 bytes x ‖ y.
    static func publicKey(of secret: borrowing SecretBytes) throws(CryptoError) -> PublicKey {
        guard secret.count == 32 else { throw .invalidKey("\(secret.count) bytes, secp256k1 keys have 32") }
        let context = unsafe try context()
        var raw = secp256k1_pubkey()
        // Refuses zero and everything from the order of the curve upwards.
        let created = unsafe secret.withBytePointer { unsafe secp256k1_ec_pubkey_create(context, &raw, $0) }
        guard created == 1 else { throw .invalidKey("zero or not below the order of secp256k1") }
        return try unsafe serialize(&raw)
    }

    /// r ‖ s (64 bytes, s in the lower half) and the recovery id. The nonce is the library's RFC 6979 one.
    static func sign(
        _ digest: [UInt8], with secret: borrowing SecretBytes
    ) throws(CryptoError) -> (compact: [UInt8], recoveryID: Int32) {
        guard digest.count == 32, secret.count == 32 else { throw .invalidKey("digest and key have 32 bytes each") }
        let context = unsafe try context()
        var raw = secp256k1_ecdsa_recoverable_signature()
        let signed = unsafe secret.withBytePointer {
            unsafe secp256k1_ecdsa_sign_recoverable(context, &raw, digest, $0, nil, nil)
        }
        guard signed == 1 else { throw .invalidKey("secp256k1 cannot sign with it") }
        var compact = [UInt8](repeating: 0, count: 64)
        var recoveryID: Int32 = 0
        _ = unsafe secp256k1_ecdsa_recoverable_signature_serialize_compact(context, &compact, &recoveryID, &raw)
        return (compact, recoveryID)
    }

    /// The key that made a signature over `digest`. Nearly every r and s recover to *some* key (SIG-4).
    ///
    /// - Parameter recoveryID: 0 or 1; `Signature` lets nothing else through. The library would call its
    ///   illegal-argument handler for a number above 3, which aborts unless replaced.
    static func recover(
        compact: [UInt8], recoveryID: Int32, digest: [UInt8]
    ) throws(CryptoError) -> PublicKey {
        guard compact.count == 64, digest.count == 32 else {
            throw .invalidSignature("r, s and digest have 32 bytes each")
        }
        let context = unsafe try context()
        var raw = secp256k1_ecdsa_recoverable_signature()
        guard unsafe secp256k1_ecdsa_recoverable_signature_parse_compact(context, &raw, compact, recoveryID) == 1 else {
            throw .invalidSignature("r or s is not below the order of secp256k1, or v is not one of 0, 1, 27, 28")
        }
        var key = secp256k1_pubkey()
        guard unsafe secp256k1_ecdsa_recover(context, &key, &raw, digest) == 1 else {
            throw .invalidSignature("r and s recover no key")
        }
        return try unsafe serialize(&key)
    }

    private static func serialize(_ key: UnsafePointer<secp256k1_pubkey>) throws(CryptoError) -> PublicKey {
        let context = unsafe try context()
        var bytes = [UInt8](repeating: 0, count: 65)
        var count = bytes.count
        // 0x04 ‖ x ‖ y. Always succeeds for a key that the library made.
        let done = unsafe secp256k1_ec_pubkey_serialize(context, &bytes, &count, key, csecp256k1_ec_uncompressed())
        guard done == 1, count == 65 else {
            throw .library(call: "secp256k1_ec_pubkey_serialize", code: 0, text: "no key")
        }
        return PublicKey(coordinates: Array(bytes.dropFirst()))
    }
}
