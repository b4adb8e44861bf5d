import AVSConfiguration
import AVSCrypto
import AVSPrimitives
import Glibc

extension OperatorConfiguration {
    /// The key that signs: of the keystore, or from the environment.
    ///
    /// - Throws: `StartFailure` for a keystore that cannot be read or opened.
    func unlockedKey(_ facts: ProcessFacts) throws -> SigningKey {
        switch try signingKey(facts) {
        case .privateKey(let text): return try SigningKey(privateKeyText: text.exposed)
        case .keystore(let path, let password):
            let keystore = try KeyFile(path: path).read()
            do {
                return try keystore.unlock(password: try SecretBytes(copying: password.exposed.utf8))
            } catch {
                throw StartFailure(78, "\(path): \(error)")
            }
        }
    }
}

/// A keystore on disk: of mode 0600, never written over.
struct KeyFile {
    let path: String

    /// - Throws: `StartFailure` for what is no keystore.
    func read() throws -> KeystoreV3 {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot be opened") }
        defer { close(descriptor) }
        var content = [UInt8](repeating: 0, count: KeystoreV3.sizeLimitBytes + 1)
        var count = 0
        while count < content.count {
            let got = content.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw failure("cannot be read") }
            if got == 0 { break }
            count += got
        }
        do {
            return try KeystoreV3(json: Array(content.prefix(count)))
        } catch {
            throw StartFailure(65, "\(path): \(error)")
        }
    }

    /// - Throws: `StartFailure` if there is such a file already, or it cannot be written.
    func write(_ key: SigningKey, password: KeyPassword) throws {
        // Before the second that scrypt takes: most mistakes are seen at once.
        guard access(path, F_OK) != 0 else { throw StartFailure(64, "\(path) exists and is not written over") }
        var random = SecureRandom()
        let keystore = try KeystoreV3.lock(key, password: try password.bytes(), using: &random)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("cannot be made") }
        defer { close(descriptor) }
        var rest = Array((keystore.json + "\n").utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("cannot be written") }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw failure("cannot be synced") }
    }

    private func failure(_ what: String) -> StartFailure {
        StartFailure(74, "\(path) \(what): \(String(cString: strerror(errno)))")
    }
}
