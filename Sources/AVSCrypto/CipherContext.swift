import CCrypto

/// One `EVP_CIPHER_CTX`: owned, and freed (which also wipes its key schedule) in `deinit`.
@safe struct CipherContext: ~Copyable {
    enum Direction { case encrypt, decrypt }

    private let raw: OpaquePointer
    private let direction: Direction

    static func open(_ direction: Direction) throws(CryptoError) -> CipherContext {
        guard let raw = unsafe EVP_CIPHER_CTX_new() else { throw LibCrypto.failure("EVP_CIPHER_CTX_new") }
        return unsafe CipherContext(owning: raw, direction)
    }

    private init(owning raw: OpaquePointer, _ direction: Direction) {
        unsafe self.raw = raw
        self.direction = direction
    }

    deinit { unsafe EVP_CIPHER_CTX_free(raw) }

    /// The caller has checked that `key` and `nonce` have the lengths of `cipher`.
    borrowing func begin(
        _ cipher: OpaquePointer?, key: borrowing SecretBytes, nonce: [UInt8]
    ) throws(CryptoError) {
        let (raw, encrypts) = unsafe (self.raw, direction == .encrypt)
        let result = unsafe key.withBytePointer {
            unsafe EVP_CipherInit_ex(raw, cipher, nil, $0, nonce, encrypts ? 1 : 0)
        }
        try LibCrypto.check("EVP_CipherInit_ex", result)
    }

    /// Authenticates `data` without encrypting it. AEAD ciphers only, before ``update(_:)``.
    borrowing func authenticate(_ data: [UInt8]) throws(CryptoError) {
        guard !data.isEmpty else { return }
        var written: Int32 = 0
        let length = try LibCrypto.length(data.count, of: "associated data")
        try LibCrypto.check("EVP_CipherUpdate", unsafe EVP_CipherUpdate(raw, nil, &written, data, length))
    }

    /// For stream ciphers and modes, where the output is exactly as long as the input.
    borrowing func update(
        _ input: UnsafePointer<UInt8>, count: Int, into output: UnsafeMutablePointer<UInt8>
    ) throws(CryptoError) {
        guard count > 0 else { return }
        var written: Int32 = 0
        let length = try LibCrypto.length(count, of: "cipher input")
        try LibCrypto.check("EVP_CipherUpdate", unsafe EVP_CipherUpdate(raw, output, &written, input, length))
    }

    borrowing func update(_ input: [UInt8]) throws(CryptoError) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: input.count)
        var mutableSpan = output.mutableSpan
        try unsafe mutableSpan.withUnsafeMutableBufferPointer { target throws(CryptoError) in
            guard let base = target.baseAddress else { return }
            try unsafe update(input, count: input.count, into: base)
        }
        return output
    }

    /// Ends the message. When decrypting with a tag set, `false` means that the message is not authentic.
    borrowing func finish() -> Bool {
        var rest = [UInt8](repeating: 0, count: Int(EVP_MAX_BLOCK_LENGTH))
        var written: Int32 = 0
        let finished = unsafe EVP_CipherFinal_ex(raw, &rest, &written) == 1
        if !finished { ERR_clear_error() }
        return finished
    }

    borrowing func tag(count: Int) throws(CryptoError) -> [UInt8] {
        var tag = [UInt8](repeating: 0, count: count)
        let result = unsafe EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_AEAD_GET_TAG, Int32(count), &tag)
        try LibCrypto.check("EVP_CIPHER_CTX_ctrl(GET_TAG)", result)
        return tag
    }

    borrowing func expect(tag: [UInt8]) throws(CryptoError) {
        var tag = tag
        let result = unsafe EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag)
        try LibCrypto.check("EVP_CIPHER_CTX_ctrl(SET_TAG)", result)
    }
}
