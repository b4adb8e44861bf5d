import AVSCrypto
import AVSPrimitives
import AVSSchema
import AVSStorage

/// Seals values for the place where they are stored, and opens them there.
///
/// AES-256-GCM with a key per owner; the storage key and the version of the sealing are authenticated with it, so a
/// record that is moved or renamed does not open. What is encrypted is the value's length, the value, and zeros up to a
/// multiple of 32 bytes.
///
/// - Source: KMS-1.
enum SecretSealer {
    static let paddingBytes = 32

    /// - Parameter random: `SecureRandom` outside of tests. Never inside an update, which may run again.
    static func seal(
        _ value: [UInt8], at key: SecretKey, with root: RootKey, createdAt: Timestamp, updatedAt: Timestamp,
        using random: inout some RandomNumberGenerator
    ) throws(SecretTrouble) -> SealedSecret {
        do throws(CryptoError) {
            let sealed = try AEAD.seal(
                padded(value), key: try root.key(for: purpose(of: key)), associatedData: associatedData(of: key),
                using: &random)
            return SealedSecret(
                rootKeyID: root.id.bytes, nonce: sealed.nonce, ciphertext: sealed.ciphertext, tag: sealed.tag,
                createdAt: createdAt, updatedAt: updatedAt)
        } catch {
            throw .library("\(error)")
        }
    }

    static func open(_ stored: StoredSecret, at key: SecretKey, with keys: RootKeys) throws(SecretTrouble) -> [UInt8] {
        guard case .sealed(let secret) = stored else {
            guard case .plain(let value) = stored else { return [] }
            return value
        }
        guard let id = RootKey.ID(bytes: secret.rootKeyID) else { throw .notAuthentic }
        guard let root = keys[id] else { throw keys.current == nil ? .noRootKey : .unknownRootKey(id) }
        do throws(CryptoError) {
            let message = AEAD.Sealed(nonce: secret.nonce, ciphertext: secret.ciphertext, tag: secret.tag)
            let padded = try AEAD.open(
                message, key: try root.key(for: purpose(of: key)), associatedData: associatedData(of: key))
            guard let value = unpadded(padded) else { throw CryptoError.notAuthentic }
            return value
        } catch {
            throw error == .notAuthentic ? .notAuthentic : .library("\(error)")
        }
    }

    private static func purpose(of key: SecretKey) -> [UInt8] { Array("secret\(key.owner.lowercased)".utf8) }

    private static func associatedData(of key: SecretKey) -> [UInt8] {
        key.bytes + [0, UInt8(truncatingIfNeeded: SealedSecret.version)]  // no key holds a zero byte
    }

    private static func padded(_ value: [UInt8]) -> [UInt8] {
        let length = UInt32(truncatingIfNeeded: value.count)  // at most 1 MiB
        var bytes = stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: length >> UInt32($0)) } + value
        bytes += [UInt8](repeating: 0, count: (paddingBytes - bytes.count % paddingBytes) % paddingBytes)
        return bytes
    }

    private static func unpadded(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count >= 4 else { return nil }
        let length = Int(bytes.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
        guard length <= bytes.count - 4 else { return nil }
        return Array(bytes[4..<4 + length])
    }
}

/// Opens stored secrets to see whether it can be done; their values go nowhere.
public struct SecretProbe: Sendable {
    private let keys: RootKeys

    public init(_ keys: RootKeys) { self.keys = keys }

    /// Why the secret cannot be opened; nil when it can. Keys and records that cannot be read are not its business.
    public func problem(key: [UInt8], value: [UInt8]) -> String? {
        do {
            _ = try SecretSealer.open(StoredSecret(stored: value), at: SecretKey(bytes: key), with: keys)
            return nil
        } catch let trouble as SecretTrouble {
            return "\(trouble)"
        } catch {
            return nil
        }
    }
}
