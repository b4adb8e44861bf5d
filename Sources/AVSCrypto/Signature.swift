public import AVSPrimitives

/// A secp256k1 signature from which the signer's address can be recovered.
///
///     | r: 32 bytes, big-endian | s: 32 bytes, big-endian | v: 1 byte |
///
/// Deliberately not `Hashable`: whoever sees (r, s, v) can make (r, n − s, v ⊕ 1), which recovers the same address.
/// Replay marks and caches are keyed by digest and signer, never by these bytes (SIG-3).
public struct Signature: Equatable, Sendable {
    public static let byteCount = 65

    private let compact: [UInt8]
    /// Which of the two points with this r it is: 0 or 1.
    private let parity: UInt8

    /// From 65 bytes with v of 0, 1, 27 or 28; `nil` for any other length or v. That r and s are below the order of
    /// the curve shows when the signer is recovered (SIG-2).
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount, let v = bytes.dropFirst(64).first else { return nil }
        switch v {
        case 0, 27: parity = 0
        case 1, 28: parity = 1
        default: return nil
        }
        compact = Array(bytes.prefix(64))
    }

    /// From 130 hexadecimal digits, with or without `0x`.
    public init?(hex: String) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes: bytes)
    }

    init(compact: [UInt8], parity: UInt8) { (self.compact, self.parity) = (compact, parity) }

    public var r: [UInt8] { Array(compact.prefix(32)) }
    public var s: [UInt8] { Array(compact.suffix(32)) }
    /// 27 or 28.
    public var v: UInt8 { 27 + parity }
    /// 65 bytes with v of 27 or 28.
    public var bytes: [UInt8] { compact + [v] }
    /// `bytes` in hexadecimal, with `0x`.
    public var hex: String { Hex.encode0x(bytes) }

    /// The public key that made this signature over `digest`.
    ///
    /// Nearly every signature recovers to *some* key. Only equality with the expected one means anything (SIG-4).
    ///
    /// - Throws: ``CryptoError/invalidSignature(_:)`` if r or s is zero or not below the order, or no point has this r.
    public func recoverPublicKey(digest: Hash32) throws(CryptoError) -> PublicKey {
        try Secp256k1.recover(compact: compact, recoveryID: Int32(parity), digest: digest.bytes)
    }

    /// The address of ``recoverPublicKey(digest:)``; never the zero address.
    public func recoverAddress(digest: Hash32) throws(CryptoError) -> Address {
        let address = try recoverPublicKey(digest: digest).address
        guard !address.isZero else { throw .invalidSignature("it recovers the zero address") }
        return address
    }

    /// Whether `signer` made this signature over `digest`. A signature that recovers nothing was made by nobody.
    public func isValid(for digest: Hash32, by signer: Address) -> Bool {
        do {
            return try recoverAddress(digest: digest) == signer
        } catch {
            return false
        }
    }
}
