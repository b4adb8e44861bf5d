public import AVSPrimitives

/// Why a keystore file gives no key.
public enum KeystoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not the JSON of a version 3 keystore; the text names the field and what is expected.
    case malformed(String)
    /// A keystore, but with a version, cipher, KDF or PRF that we do not read.
    case unsupported(String)
    /// Its KDF parameters are outside the bounds of KMS-5: the file would cost too much to open, or nothing at all.
    case costOutOfBounds(String)
    /// The MAC does not match: the password is wrong, or the file was changed.
    case wrongPassword
    /// The key inside belongs to another address than the file says.
    case addressMismatch(file: Address, key: Address)
    /// A primitive failed.
    case crypto(CryptoError)

    public var description: String {
        switch self {
        case .malformed(let reason): "not a keystore of version 3: \(reason)"
        case .unsupported(let what): "keystore: \(what)"
        case .costOutOfBounds(let what): "keystore: \(what)"
        case .wrongPassword: "keystore: wrong password, or the file was changed"
        case .addressMismatch(let file, let key): "keystore: the file says \(file), its key belongs to \(key)"
        case .crypto(let error): "keystore: \(error)"
        }
    }
}
