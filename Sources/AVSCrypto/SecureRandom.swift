import CCrypto

/// libcrypto's random generator, as the value that programs pass to whatever needs randomness.
///
/// Its bytes are fit for keys, nonces and identifiers. Computing modules take `some RandomNumberGenerator`; tests give
/// them a seeded one.
public struct SecureRandom: RandomNumberGenerator, Sendable {
    /// How often libcrypto had no random bytes and the kernel was asked instead. Anything but zero is worth a look.
    ///
    /// It also keeps this value from being empty: Swift 6.3.1 gives an empty `inout` no address, and a build with
    /// ThreadSanitizer follows it.
    public private(set) var fallbackCount = 0

    public init() {}

    public mutating func next() -> UInt64 {
        var word: UInt64 = 0
        let filled = unsafe withUnsafeMutableBytes(of: &word) {
            unsafe RAND_bytes($0.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32($0.count))
        }
        guard filled == 1 else {
            // libcrypto could not seed itself. `next()` cannot throw, and Swift's own generator asks the kernel.
            ERR_clear_error()
            fallbackCount += 1
            var kernel = SystemRandomNumberGenerator()
            return kernel.next()
        }
        return word
    }
}

extension RandomNumberGenerator {
    /// `count` random bytes that need not be kept secret: salts, nonces, identifiers.
    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            let word = next()
            for shift in stride(from: 0, to: 64, by: 8) where bytes.count < count {
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
            }
        }
        return bytes
    }
}
