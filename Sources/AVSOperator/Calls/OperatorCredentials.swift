public import AVSCrypto
public import AVSPrimitives

/// Who an operator is, and the key with which it proves that.
///
/// - Source: aggregator-api 3.5.
public struct OperatorCredentials: Sendable {
    /// The operator's own address, whatever key signs.
    public let address: Address
    /// The operator's key, or that of its declared alias.
    let key: SigningKey

    public init(address: Address, key: SigningKey) {
        self.address = address
        self.key = key
    }

    /// Whose key signs: the operator itself, or its alias.
    public var signer: Address { key.address }

    /// Whether another key than the operator's own signs, which the alias registry must know.
    public var usesAlias: Bool { signer != address }

    /// The `authorization` of one call: `Bearer <seconds>.<signature, 130 hex digits without 0x>`.
    ///
    /// The signed text is `Operator:<checksummed address>Epoch:<seconds>`; aggregators accept it for some seconds only,
    /// so every call has its own.
    /// - Throws: what signing throws.
    public func authorization(at now: Timestamp) throws -> String {
        let epoch = now.seconds
        let signature = try key.signMessage(Array("Operator:\(address.checksummed)Epoch:\(epoch)".utf8))
        return "Bearer \(epoch).\(Hex.encode(signature.bytes))"
    }
}
