import CCrypto

/// HKDF with SHA-256 (RFC 5869): a key for one purpose from a key that is already strong.
public enum HKDF {
    /// RFC 5869: at most 255 blocks of the hash.
    public static let countLimit = 255 * 32

    /// - Parameters:
    ///   - salt: not secret; empty is allowed and means 32 zeros.
    ///   - info: what the key is for; different texts give unrelated keys.
    ///   - count: bytes wanted, 1 to 8,160.
    public static func deriveKey(
        from key: borrowing SecretBytes, salt: [UInt8], info: [UInt8], count: Int
    ) throws(CryptoError) -> SecretBytes {
        guard (1...countLimit).contains(count) else {
            throw .outOfRange("an HKDF key of \(count) bytes, allowed are 1 to \(countLimit)")
        }
        guard key.count > 0 else { throw .invalidKey("HKDF needs at least one byte to derive from") }
        let keyCount = key.count
        return try unsafe key.withBytePointer { input throws(CryptoError) -> SecretBytes in
            try unsafe SecretBytes(count: count) { output throws(CryptoError) in
                let done = unsafe ccrypto_hkdf_sha256(
                    input, keyCount, salt, salt.count, info, info.count, output, count)
                try LibCrypto.check("EVP_KDF_derive(HKDF)", done)
            }
        }
    }
}

/// scrypt (RFC 7914): a key from a password, costly on purpose.
public enum Scrypt {
    /// What one derivation costs. Checked when made, because keystore files choose these numbers (KMS-5).
    public struct Cost: Hashable, Sendable {
        /// N, the number of iterations: a power of two.
        public let iterations: Int
        /// r: one block has 128 × r bytes.
        public let blockSize: Int
        /// p: how often all of it is done.
        public let parallelism: Int

        public static let iterationsLimit = 1 << 20
        public static let blockSizeLimit = 16
        public static let parallelismLimit = 8
        /// 1 GiB, reached by N = 2²⁰ with r = 8.
        public static let memoryLimitBytes = 1 << 30

        /// 256 MiB and about a second: what Ethereum's tools write, and what we write.
        public static let standard = Cost(unchecked: 1 << 18, 8, 1)

        /// - Throws: ``CryptoError/outOfRange(_:)``, naming the parameter, its value and its bound.
        public init(iterations: Int, blockSize: Int, parallelism: Int) throws(CryptoError) {
            guard (2...Self.iterationsLimit).contains(iterations), iterations & (iterations - 1) == 0 else {
                throw .outOfRange("scrypt n is \(iterations), allowed are powers of two from 2 to 1048576")
            }
            guard (1...Self.blockSizeLimit).contains(blockSize) else {
                throw .outOfRange("scrypt r is \(blockSize), allowed are 1 to \(Self.blockSizeLimit)")
            }
            guard (1...Self.parallelismLimit).contains(parallelism) else {
                throw .outOfRange("scrypt p is \(parallelism), allowed are 1 to \(Self.parallelismLimit)")
            }
            // RFC 7914, section 2, which libcrypto enforces. (Ethereum's own test vector has n = 2¹⁸ with r = 1.)
            guard iterations < 1 << (16 * min(blockSize, 3)) else {
                throw .outOfRange("scrypt n is \(iterations), with r \(blockSize) it must be below 2^(16 r)")
            }
            guard 128 * iterations * blockSize <= Self.memoryLimitBytes else {
                throw .outOfRange("scrypt with n \(iterations) and r \(blockSize) needs more than 1 GiB")
            }
            self.init(unchecked: iterations, blockSize, parallelism)
        }

        private init(unchecked iterations: Int, _ blockSize: Int, _ parallelism: Int) {
            (self.iterations, self.blockSize, self.parallelism) = (iterations, blockSize, parallelism)
        }
    }

    /// Blocks the thread for as long as `cost` says (the standard one: about a second), so never on an event loop.
    ///
    /// - Parameter count: bytes wanted, 1 to 1,024.
    public static func deriveKey(
        password: borrowing SecretBytes, salt: [UInt8], cost: Cost, count: Int
    ) throws(CryptoError) -> SecretBytes {
        try checkPasswordKeyCount(count)
        // libcrypto's own limit is 32 MiB, too small for the usual N. The table of N blocks is what we bound; the
        // rest (p blocks and scratch space) is below 64 KiB.
        let memoryLimit = UInt64(Cost.memoryLimitBytes) + 65_536
        let passwordCount = password.count
        return try unsafe password.withUnsafeBytes { input throws(CryptoError) -> SecretBytes in
            try unsafe SecretBytes(count: count) { output throws(CryptoError) in
                let done = unsafe EVP_PBE_scrypt(
                    input.baseAddress?.assumingMemoryBound(to: CChar.self), passwordCount, salt, salt.count,
                    UInt64(cost.iterations), UInt64(cost.blockSize), UInt64(cost.parallelism), memoryLimit,
                    output, count)
                try LibCrypto.check("EVP_PBE_scrypt", done)
            }
        }
    }
}

/// PBKDF2 with HMAC-SHA-256 (RFC 8018). Only for reading old keystore files; scrypt is what we write.
enum PBKDF2 {
    /// 38 times what Ethereum's tools write; some seconds.
    static let iterationsLimit = 10_000_000

    static func deriveKey(
        password: borrowing SecretBytes, salt: [UInt8], iterations: Int, count: Int
    ) throws(CryptoError) -> SecretBytes {
        try checkPasswordKeyCount(count)
        guard (1...iterationsLimit).contains(iterations) else {
            throw .outOfRange("pbkdf2 c is \(iterations), allowed are 1 to \(iterationsLimit)")
        }
        let passwordCount = try LibCrypto.length(password.count, of: "password")
        let saltCount = try LibCrypto.length(salt.count, of: "salt")
        return try unsafe password.withUnsafeBytes { input throws(CryptoError) -> SecretBytes in
            try unsafe SecretBytes(count: count) { output throws(CryptoError) in
                let done = unsafe PKCS5_PBKDF2_HMAC(
                    input.baseAddress?.assumingMemoryBound(to: CChar.self), passwordCount, salt, saltCount,
                    Int32(iterations), EVP_sha256(), Int32(count), output)
                try LibCrypto.check("PKCS5_PBKDF2_HMAC", done)
            }
        }
    }
}

private func checkPasswordKeyCount(_ count: Int) throws(CryptoError) {
    guard (1...1024).contains(count) else {
        throw .outOfRange("a key of \(count) bytes from a password, allowed are 1 to 1024")
    }
}
