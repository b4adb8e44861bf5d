import CCrypto
import Glibc

/// Bytes that must not leak: keys, passwords, the secret of the tokens (KMS-6).
///
/// They live in one memory mapping of their own that is locked into memory and excluded from core dumps (both best
/// effort: a process may have no right to lock more pages) and that is overwritten before it is given back. The value
/// cannot be copied, printed or compared; it is lent to a closure.
///
/// A secret that several owners need goes into a ``SharedSecret``.
@safe public struct SecretBytes: ~Copyable, Sendable {
    /// Far above any key or password; the bound keeps a mistaken length from mapping the machine's memory.
    public static let countLimit = 1 << 20

    /// Written in `init` only and never handed out for writing afterwards, so threads may share it for reading.
    private nonisolated(unsafe) let base: UnsafeMutableRawPointer
    private let mappedByteCount: Int
    /// Number of bytes of the secret.
    public let count: Int

    /// Lets `body` write up to `capacity` bytes straight into the protected memory, which starts out as zeros.
    ///
    /// - Parameter body: gets `capacity` bytes and answers how many of them, from the start, are the secret.
    /// - Throws: what `body` throws; ``CryptoError/outOfRange(_:)`` for a capacity or an answer out of bounds;
    ///   ``CryptoError/library(call:code:text:)`` if the memory cannot be mapped.
    public init(capacity: Int, initializingWith body: (UnsafeMutableRawBufferPointer) throws -> Int) throws {
        let memory = try Mapping(byteCount: capacity)
        let count = try unsafe body(UnsafeMutableRawBufferPointer(start: memory.base, count: capacity))
        guard (0...capacity).contains(count) else {
            throw CryptoError.outOfRange("\(count) bytes of a secret were written where \(capacity) fit")
        }
        self.init(memory, count: count)
    }

    /// A copy of `bytes`. The caller's own copy stays where it is and is not wiped.
    public init(copying bytes: some Collection<UInt8>) throws(CryptoError) {
        let memory = try Mapping(byteCount: bytes.count)
        unsafe UnsafeMutableRawBufferPointer(start: memory.base, count: bytes.count).copyBytes(from: bytes)
        self.init(memory, count: bytes.count)
    }

    /// `count` fresh random bytes.
    public init(random count: Int, using generator: inout some RandomNumberGenerator) throws(CryptoError) {
        let memory = try Mapping(byteCount: count)
        for offset in 0..<count {
            unsafe memory.base.storeBytes(of: generator.next(), toByteOffset: offset, as: UInt8.self)
        }
        self.init(memory, count: count)
    }

    /// The bytes that `text`, itself a secret, says in hexadecimal: an even number of digits of any case, with or
    /// without `0x`, and nothing else.
    public init(hexText text: borrowing SecretBytes) throws(CryptoError) {
        let memory = try Mapping(byteCount: text.count)
        let target = unsafe UnsafeMutableRawBufferPointer(start: memory.base, count: text.count)
        let count = unsafe text.withUnsafeBytes { unsafe Self.decodeHex($0, into: target) }
        guard let count else { throw .invalidKey("not an even number of hexadecimal digits") }
        self.init(memory, count: count)
    }

    /// Memory that `body`, a call into C, fills to its end.
    init(
        count: Int, filledBy body: (UnsafeMutablePointer<UInt8>) throws(CryptoError) -> Void
    ) throws(CryptoError) {
        let memory = try Mapping(byteCount: count)
        try unsafe body(memory.base.assumingMemoryBound(to: UInt8.self))
        self.init(memory, count: count)
    }

    private init(_ memory: consuming Mapping, count: Int) {
        unsafe (base, mappedByteCount) = memory.take()
        self.count = count
    }

    deinit { unsafe Mapping.release(base, byteCount: mappedByteCount) }

    /// Lends the bytes. They must not be copied out of `body` into memory that nobody wipes.
    public func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// Lends the bytes to modules without unsafe pointers, such as the one that reads the server's TLS key.
    public func withSpan<Result: ~Copyable, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let bytes = unsafe UnsafeBufferPointer(
            start: UnsafePointer(base.assumingMemoryBound(to: UInt8.self)), count: count)
        return try unsafe body(bytes.span)
    }

    /// The same for calls into C, most of which take `const unsigned char *`.
    func withBytePointer<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafePointer<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafePointer(base.assumingMemoryBound(to: UInt8.self)))
    }

    private static func decodeHex(
        _ text: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
    ) -> Int? {
        let prefixed = unsafe text.count >= 2 && text[0] == UInt8(ascii: "0") && text[1] | 0x20 == UInt8(ascii: "x")
        guard text.count.isMultiple(of: 2) else { return nil }
        var count = 0
        for offset in stride(from: prefixed ? 2 : 0, to: text.count, by: 2) {
            guard let high = unsafe hexValue(text[offset]), let low = unsafe hexValue(text[offset + 1]) else {
                return nil
            }
            unsafe target[count] = high << 4 | low
            count += 1
        }
        return count
    }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// A secret with several owners, wiped when the last one lets go. Prints as `<key>`.
public final class SharedSecret: Sendable, CustomStringConvertible, CustomReflectable {
    public let bytes: SecretBytes

    public init(_ bytes: consuming SecretBytes) { self.bytes = bytes }

    public var description: String { "<key>" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Whole pages of zeros, locked and kept out of dumps; wiped and unmapped in `deinit` unless taken.
///
/// A mapping instead of `malloc`: locking works on pages, and unlocking a page that two allocations share would unlock
/// both.
@safe private struct Mapping: ~Copyable {
    let base: UnsafeMutableRawPointer
    let mappedByteCount: Int

    init(byteCount: Int) throws(CryptoError) {
        guard (0...SecretBytes.countLimit).contains(byteCount) else {
            throw .outOfRange("a secret of \(byteCount) bytes, allowed are 0 to \(SecretBytes.countLimit)")
        }
        let page = max(sysconf(Int32(_SC_PAGESIZE)), 4096)
        let size = (max(byteCount, 1) + page - 1) / page * page
        let memory = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, unsafe memory != UnsafeMutableRawPointer(bitPattern: -1) else {
            throw .library(call: "mmap", code: UInt(errno), text: "no memory for a secret")
        }
        _ = unsafe mlock(memory, size)
        _ = unsafe madvise(memory, size, MADV_DONTDUMP)
        unsafe base = memory
        mappedByteCount = size
    }

    /// Hands the pages to an owner that calls ``release(_:byteCount:)``.
    consuming func take() -> (UnsafeMutableRawPointer, Int) {
        let parts = unsafe (base, mappedByteCount)
        discard self
        return unsafe parts
    }

    deinit { unsafe Self.release(base, byteCount: mappedByteCount) }

    static func release(_ base: UnsafeMutableRawPointer, byteCount: Int) {
        unsafe OPENSSL_cleanse(base, byteCount)
        _ = unsafe munmap(base, byteCount)
    }
}
