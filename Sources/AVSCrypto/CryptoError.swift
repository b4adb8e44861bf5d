/// What can go wrong in this module's primitives.
///
/// No case ever carries key material, a password, a plaintext or a signature.
public enum CryptoError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes are no key of this kind: wrong length, zero, or outside the curve's order.
    case invalidKey(String)
    /// The signature has a shape or values that recover no key.
    case invalidSignature(String)
    /// The ciphertext, its tag, its nonce, its key or its associated data is not what was sealed.
    case notAuthentic
    /// A parameter is outside its bounds; the text says which, its value and what is allowed.
    case outOfRange(String)
    /// A call of a C library failed. `code` is the library's own, `text` its explanation.
    case library(call: String, code: UInt, text: String)

    public var description: String {
        switch self {
        case .invalidKey(let reason): "invalid key: \(reason)"
        case .invalidSignature(let reason): "invalid signature: \(reason)"
        case .notAuthentic: "sealed data is not authentic: it was changed, moved, or sealed under another key"
        case .outOfRange(let what): what
        case .library(let call, let code, let text): "\(call): \(text) (\(code))"
        }
    }
}
