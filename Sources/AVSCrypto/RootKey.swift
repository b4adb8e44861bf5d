/// A key from which the keys of sealed secrets are made (KMS-1). It is in a file or the environment, never in the
/// database.
public struct RootKey: Sendable {
    /// What sealed records call it. Made from the key, so that no list of names has to be kept; it tells nothing of it.
    public struct ID: Hashable, Sendable, CustomStringConvertible {
        public static let byteCount = 8
        public let bytes: [UInt8]

        public init?(bytes: [UInt8]) {
            guard bytes.count == Self.byteCount else { return nil }
            self.bytes = bytes
        }

        /// 16 lower-case hex digits.
        public var description: String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
    }

    public static let byteCount = 32

    public let id: ID
    private let secret: SharedSecret

    /// - Throws: ``CryptoError/invalidKey(_:)`` unless there are 32 bytes.
    public init(_ secret: SharedSecret) throws(CryptoError) {
        guard secret.bytes.count == Self.byteCount else {
            throw .invalidKey("\(secret.bytes.count) bytes, a root key has \(Self.byteCount)")
        }
        let derived = try HKDF.deriveKey(
            from: secret.bytes, salt: [], info: Array("root key id".utf8), count: ID.byteCount)
        guard let id = ID(bytes: derived.withSpan { span in span.indices.map { span[$0] } }) else {
            throw .outOfRange("\(derived.count) bytes for an id")
        }
        self.id = id
        self.secret = secret
    }

    /// The key that seals what belongs to one owner: so random nonces stay far from their bound of 2³² per key.
    /// - Parameter info: what the key is for.
    public func key(for info: [UInt8]) throws(CryptoError) -> SecretBytes {
        try HKDF.deriveKey(from: secret.bytes, salt: id.bytes, info: info, count: AEAD.keyByteCount)
    }
}
