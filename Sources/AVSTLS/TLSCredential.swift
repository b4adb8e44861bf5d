import COpenSSL

/// A certificate chain and the private key of its first certificate: who we are to the other side.
///
/// Immutable and shared between contexts; libcrypto counts references to certificates and keys atomically.
@safe public final class TLSCredential: Sendable {
    // Written once in `init`, only read (or reference-counted by the library) afterwards.
    nonisolated(unsafe) let certificate: OpaquePointer
    nonisolated(unsafe) let issuers: OpaquePointer
    nonisolated(unsafe) let privateKey: OpaquePointer

    /// - Parameters:
    ///   - certificateChainPEM: our certificate first, then the ones that lead to a root; the root may be missing.
    ///   - privateKeyPEM: not encrypted. The bytes are only lent, so they can stay in protected memory.
    /// - Throws: ``TLSError/configuration(_:)`` if either cannot be read or the two do not belong together.
    public convenience init(certificateChainPEM: [UInt8], privateKeyPEM: Span<UInt8>) throws(TLSError) {
        let key = try PEMSource.with(privateKeyPEM) { source throws(TLSError) in try PrivateKey.read(from: source) }
        let chain = try PEMSource.with(certificateChainPEM.span) { source throws(TLSError) in
            try Chain.read(from: source)
        }
        guard unsafe X509_check_private_key(chain.leaf, key.raw) == 1 else {
            throw LibSSL.misconfigured("private key and certificate do not belong together")
        }
        self.init(chain, key)
    }

    /// The same from an array, which keeps the key's bytes and is not wiped.
    public convenience init(certificateChainPEM: [UInt8], privateKeyPEM: [UInt8]) throws(TLSError) {
        try self.init(certificateChainPEM: certificateChainPEM, privateKeyPEM: privateKeyPEM.span)
    }

    private init(_ chain: consuming Chain, _ key: consuming PrivateKey) {
        unsafe (certificate, issuers) = chain.take()
        unsafe privateKey = key.take()
    }

    deinit {
        unsafe X509_free(certificate)
        unsafe copenssl_chain_free(issuers)
        unsafe EVP_PKEY_free(privateKey)
    }
}

/// A private key, owned until taken.
@safe private struct PrivateKey: ~Copyable {
    let raw: OpaquePointer

    static func read(from source: borrowing PEMSource) throws(TLSError) -> PrivateKey {
        ERR_clear_error()
        guard let raw = unsafe copenssl_read_private_key(source.raw) else { throw LibSSL.misconfigured("private key") }
        return unsafe PrivateKey(raw: raw)
    }

    consuming func take() -> OpaquePointer {
        let raw = unsafe self.raw
        discard self
        return unsafe raw
    }

    deinit { unsafe EVP_PKEY_free(raw) }
}

/// A certificate and its issuers, owned until taken.
@safe private struct Chain: ~Copyable {
    /// Real chains have 2 to 4; libssl itself refuses to verify more than 100.
    static let countLimit = 16

    let leaf: OpaquePointer
    let issuers: OpaquePointer

    static func read(from source: borrowing PEMSource) throws(TLSError) -> Chain {
        guard let leaf = unsafe try source.nextCertificate() else {
            throw .configuration("there is no certificate in the PEM text")
        }
        guard let issuers = unsafe copenssl_chain_new() else {
            unsafe X509_free(leaf)
            throw LibSSL.failure("sk_X509_new_null")
        }
        let chain = unsafe Chain(leaf: leaf, issuers: issuers)
        while let issuer = unsafe try source.nextCertificate() {
            guard unsafe copenssl_chain_count(issuers) < countLimit, unsafe copenssl_chain_push(issuers, issuer) == 1
            else {
                unsafe X509_free(issuer)
                throw .configuration("more than \(countLimit) issuers in a certificate chain")
            }
        }
        return chain
    }

    consuming func take() -> (leaf: OpaquePointer, issuers: OpaquePointer) {
        let parts = unsafe (leaf, issuers)
        discard self
        return unsafe parts
    }

    deinit {
        unsafe X509_free(leaf)
        unsafe copenssl_chain_free(issuers)
    }
}
