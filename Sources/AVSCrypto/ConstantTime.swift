import CCrypto

/// Compares two MACs, digests or tokens without telling by its duration where they differ (SIG-8).
///
/// The lengths are not secret: different lengths answer at once.
public func constantTimeEquals(_ lhs: [UInt8], _ rhs: [UInt8]) -> Bool {
    guard lhs.count == rhs.count else { return false }
    return unsafe CRYPTO_memcmp(lhs, rhs, lhs.count) == 0
}
