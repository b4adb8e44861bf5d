public import AVSPrimitives

/// A point of secp256k1: what a private key signs for.
public struct PublicKey: Hashable, Sendable {
    /// x ‖ y, 32 bytes each, big-endian.
    public let coordinates: [UInt8]

    /// Only the curve's own calculations make one, so the point is on the curve.
    init(coordinates: [UInt8]) { self.coordinates = coordinates }

    /// The last 20 bytes of the Keccak-256 of x ‖ y.
    ///
    /// Source: Ethereum yellow paper, appendix F.
    public var address: Address { Address(bytes: Keccak256.hash(coordinates).bytes.suffix(20)) ?? .zero }
}
