import COpenSSL

/// The error queue of OpenSSL, which belongs to the thread.
enum LibSSL {
    /// Empties the queue and says what the last entry was.
    static func takeError() -> (code: UInt, text: String) {
        let code = ERR_peek_last_error()
        defer { ERR_clear_error() }
        guard code != 0 else { return (0, "failed without a reason") }
        guard let reason = unsafe ERR_reason_error_string(code) else { return (UInt(code), "unknown reason") }
        return (UInt(code), unsafe String(cString: reason))
    }

    static func failure(_ call: String) -> TLSError {
        let (code, text) = takeError()
        return .failed(call: call, code: code, text: text)
    }

    static func misconfigured(_ what: String) -> TLSError { .configuration("\(what): \(takeError().text)") }
}

/// A memory BIO over bytes that outlive it, for reading PEM.
@safe struct PEMSource: ~Copyable {
    let raw: OpaquePointer

    /// Lends the BIO; `bytes` stay where they are and are not copied.
    static func with<Result: ~Copyable>(
        _ bytes: Span<UInt8>, _ body: (borrowing PEMSource) throws(TLSError) -> Result
    ) throws(TLSError) -> Result {
        guard bytes.count <= 1 << 20 else { throw .configuration("PEM of \(bytes.count) bytes, 1 MiB is read") }
        return try unsafe bytes.withUnsafeBytes { buffer throws(TLSError) -> Result in
            guard let raw = unsafe BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count)) else {
                throw LibSSL.failure("BIO_new_mem_buf")
            }
            return try body(unsafe PEMSource(owning: raw))
        }
    }

    private init(owning raw: OpaquePointer) { unsafe self.raw = raw }

    deinit { unsafe BIO_free(raw) }

    /// The next certificate, owned by the caller; `nil` at the end.
    func nextCertificate() throws(TLSError) -> OpaquePointer? {
        ERR_clear_error()
        if let certificate = unsafe PEM_read_bio_X509(raw, nil, nil, nil) { return unsafe certificate }
        // The end of the text is the library's "no start line"; anything else is a broken certificate.
        let code = ERR_peek_last_error()
        guard copenssl_is_end_of_pem(code) else { throw LibSSL.misconfigured("certificate") }
        ERR_clear_error()
        return nil
    }
}
