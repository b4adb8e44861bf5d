public import AVSPrimitives
import AVSProto
public import AVSStorage

/// A secret's value as it is stored.
public enum StoredSecret: Hashable, Sendable {
    /// Only a holder of the root key can read it.
    case sealed(SealedSecret)
    /// As older releases wrote it: the text itself. The next pass over the secrets seals it (KMS-4).
    case plain([UInt8])
}

/// A sealed value (KMS-1). Nothing in it is secret.
public struct SealedSecret: Hashable, Sendable {
    /// Of the sealing: what is authenticated, how it is padded, how the key is made.
    public static let version: UInt32 = 1
    public static let rootKeyIDByteCount = 8

    /// Which root key it was sealed under.
    public var rootKeyID: [UInt8]
    public var nonce: [UInt8]
    public var ciphertext: [UInt8]
    public var tag: [UInt8]
    public var createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        rootKeyID: [UInt8], nonce: [UInt8], ciphertext: [UInt8], tag: [UInt8], createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        self.rootKeyID = rootKeyID
        self.nonce = nonce
        self.ciphertext = ciphertext
        self.tag = tag
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

extension StoredSecret: StoreValue {
    /// What every record begins with and no text does: the tag of its first field.
    private static let firstByte: UInt8 = 0x80

    public init(stored bytes: [UInt8]) throws {
        guard bytes.first == Self.firstByte else {
            guard String(validating: bytes, as: UTF8.self) != nil else {
                throw MalformedValue("neither a sealed secret nor text")
            }
            self = .plain(bytes)
            return
        }
        let record = try Stored.SecretRecord(serialized: bytes)
        guard record.version == SealedSecret.version else {
            throw MalformedValue("a secret of version \(record.version), known is \(SealedSecret.version)")
        }
        guard record.rootKeyId.count == SealedSecret.rootKeyIDByteCount else {
            throw MalformedValue("a root key's id of \(record.rootKeyId.count) bytes")
        }
        self = .sealed(
            SealedSecret(
                rootKeyID: record.rootKeyId, nonce: record.nonce, ciphertext: record.ciphertext, tag: record.tag,
                createdAt: Timestamp(milliseconds: record.createdAt),
                updatedAt: Timestamp(milliseconds: record.updatedAt)))
    }

    public var stored: [UInt8] {
        switch self {
        case .plain(let text): return text
        case .sealed(let secret):
            var record = Stored.SecretRecord()
            record.version = SealedSecret.version
            record.rootKeyId = secret.rootKeyID
            record.nonce = secret.nonce
            record.ciphertext = secret.ciphertext
            record.tag = secret.tag
            record.createdAt = secret.createdAt.milliseconds
            record.updatedAt = secret.updatedAt.milliseconds
            return record.serialized()
        }
    }
}
