public import AVSCrypto
import Glibc

extension KeysDirectory {
    /// The ids of the root keys, the current one first; empty where there are none.
    public func rootKeyIDs() throws(ConfigurationError) -> [RootKey.ID] {
        guard let text = try privateContent("root_key") else { return [] }
        return try ids(SecretLines(text).keys(byteCount: Self.rootKeyByteCount, file: rootKeyFile))
    }

    /// Makes a new root key the current one; the others stay, for what they sealed (KMS-3).
    ///
    /// The file is replaced as a whole and synced before this returns: a key that was used is never lost. It keeps its
    /// owner, so that a service of another user goes on reading it.
    /// - Returns: the id of the new key.
    public func rotateRootKey(
        using generator: inout some RandomNumberGenerator
    ) throws(ConfigurationError) -> RootKey.ID {
        let key: SharedSecret
        do throws(CryptoError) {
            key = SharedSecret(try SecretBytes(random: Self.rootKeyByteCount, using: &generator))
        } catch {
            throw ConfigurationError(file: rootKeyFile, "\(error)")
        }
        guard let id = try ids([key]).first else {
            throw ConfigurationError(file: rootKeyFile, "the new key has no id")
        }
        return try changeRootKeys { keys in ([key] + keys, id) }
    }

    /// Removes a root key. What it sealed is lost, so whoever asks has to know that there is nothing left.
    /// - Throws: for a key that is not there, and for the current one.
    public func retireRootKey(_ id: RootKey.ID) throws(ConfigurationError) {
        try changeRootKeys { (keys) throws(ConfigurationError) in
            guard let place = try ids(keys).firstIndex(of: id) else {
                throw ConfigurationError(file: rootKeyFile, "has no root key \(id)")
            }
            guard place > 0 else {
                throw ConfigurationError(file: rootKeyFile, "\(id) is the current key: rotate first")
            }
            var rest = keys
            rest.remove(at: place)
            return (rest, ())
        }
    }

    private var rootKeyFile: String { FilePaths.join(path, "root_key") }

    private func ids(_ keys: [SharedSecret]) throws(ConfigurationError) -> [RootKey.ID] {
        do {
            return try keys.map { try RootKey($0).id }
        } catch {
            throw ConfigurationError(file: rootKeyFile, "\(error)")
        }
    }

    /// Reads the keys and writes what `change` makes of them, with the folder locked against another change.
    private func changeRootKeys<Result>(
        _ change: ([SharedSecret]) throws(ConfigurationError) -> ([SharedSecret], Result)
    ) throws(ConfigurationError) -> Result {
        let lock = try FolderLock(path)
        defer { lock.release() }
        let old = try privateContent("root_key")
        let keys = try old.map { (text) throws(ConfigurationError) in
            try SecretLines(text).keys(byteCount: Self.rootKeyByteCount, file: rootKeyFile)
        }
        let (changed, result) = try change(keys ?? [])
        let owner = try OpenFile.open(rootKeyFile)?.facts().ownerID
        try PrivateFileReplacement(path: rootKeyFile, folder: path).write(lines(changed), owner: owner)
        return result
    }

    /// 64 hex digits and a line feed per key.
    private func lines(_ keys: [SharedSecret]) throws(ConfigurationError) -> SharedSecret {
        let digits = Array("0123456789abcdef".utf8)
        let lineCount = 2 * Self.rootKeyByteCount + 1
        do {
            return SharedSecret(
                try SecretBytes(capacity: keys.count * lineCount) { buffer in
                    var place = 0
                    for key in keys {
                        key.bytes.withUnsafeBytes { bytes in
                            for byte in bytes {
                                buffer[place] = digits[Int(byte >> 4)]
                                buffer[place + 1] = digits[Int(byte & 15)]
                                place += 2
                            }
                        }
                        buffer[place] = UInt8(ascii: "\n")
                        place += 1
                    }
                    return place
                })
        } catch {
            throw ConfigurationError(file: rootKeyFile, "\(error)")
        }
    }
}

/// Keeps two commands from changing the same files at once; gone with the process, whatever ends it.
private struct FolderLock: ~Copyable {
    private let descriptor: Int32

    init(_ path: String) throws(ConfigurationError) {
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ConfigurationError(file: path, "cannot be opened: \(systemText(errno))") }
        guard flock(descriptor, LOCK_EX) == 0 else {
            let text = systemText(errno)
            close(descriptor)
            throw ConfigurationError(file: path, "cannot be locked: \(text)")
        }
    }

    func release() { close(descriptor) }
}
