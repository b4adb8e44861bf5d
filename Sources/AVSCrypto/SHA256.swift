public import AVSPrimitives
import CCrypto

/// SHA-256 (FIPS 180-4), computed by libcrypto.
public enum SHA256 {
    /// The digest of `bytes`, 32 bytes.
    public static func hash(_ bytes: [UInt8]) -> Hash32 {
        var digest = [UInt8](repeating: 0, count: 32)
        let done = unsafe EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha256(), nil)
        // Fails for want of memory only, whatever the input: where Swift's own allocations stop the process too.
        guard done == 1, let hash = Hash32(bytes: digest) else { preconditionFailure("EVP_Digest: out of memory") }
        return hash
    }
}
