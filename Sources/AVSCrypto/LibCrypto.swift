import CCrypto

/// The error queue and return codes of libcrypto.
enum LibCrypto {
    /// Turns a failed call into an error that names it, and empties this thread's error queue.
    static func failure(_ call: String) -> CryptoError {
        let code = ERR_peek_last_error()
        defer { ERR_clear_error() }
        guard code != 0 else { return .library(call: call, code: 0, text: "failed without a reason") }
        var text = [CChar](repeating: 0, count: 256)
        let capacity = text.count
        unsafe text.withUnsafeMutableBufferPointer { unsafe ERR_error_string_n(code, $0.baseAddress, capacity) }
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return .library(call: call, code: UInt(code), text: String(decoding: bytes, as: UTF8.self))
    }

    /// Most calls of libcrypto answer 1 for success and 0 or a negative number for failure.
    static func check(_ call: String, _ result: Int32) throws(CryptoError) {
        guard result == 1 else { throw failure(call) }
    }

    /// A length as libcrypto's ciphers count it.
    static func length(_ count: Int, of what: String) throws(CryptoError) -> Int32 {
        guard let length = Int32(exactly: count) else {
            throw .outOfRange("\(what) has \(count) bytes, at most \(Int32.max) are allowed")
        }
        return length
    }
}
