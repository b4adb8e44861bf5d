import Glibc

/// Makes a file of mode 0600 that is there completely or not at all.
struct NewPrivateFile {
    let path: String
    /// Made with mode 0700 where it is missing, with all folders above it.
    let folder: String

    /// One that somebody else made meanwhile stays as it is.
    func write(_ content: [UInt8]) throws(ConfigurationError) {
        try makeFolders()
        let draft = "\(path).\(getpid()).new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("cannot be made", draft) }
        defer {
            close(descriptor)
            unlink(draft)
        }
        guard Self.writeAll(content, to: descriptor), fsync(descriptor) == 0 else {
            throw failure("cannot be written", draft)
        }
        guard link(draft, path) == 0 || errno == EEXIST else { throw failure("cannot be made", path) }
        try syncFolder()
    }

    private func makeFolders() throws(ConfigurationError) {
        var made = folder.hasPrefix("/") ? "/" : ""
        for part in folder.split(separator: "/") {
            made += made.isEmpty || made == "/" ? String(part) : "/\(part)"
            guard mkdir(made, 0o700) == 0 || errno == EEXIST else { throw failure("cannot be made", made) }
        }
    }

    /// So that the name survives a power cut as the content does.
    private func syncFolder() throws(ConfigurationError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot be opened", folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("cannot be synced", folder) }
    }

    private static func writeAll(_ content: [UInt8], to descriptor: Int32) -> Bool {
        var rest = content[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private func failure(_ what: String, _ path: String) -> ConfigurationError {
        ConfigurationError(file: path, "\(what): \(systemText(errno))")
    }
}
