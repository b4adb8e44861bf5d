import AVSCrypto
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

    private func syncFolder() throws(ConfigurationError) { try PrivateFileReplacement.sync(folder) }

    private static func writeAll(_ content: [UInt8], to descriptor: Int32) -> Bool {
        content.withUnsafeBytes { PrivateFileReplacement.writeAll($0, to: descriptor) }
    }

    private func failure(_ what: String, _ path: String) -> ConfigurationError { .system(what, path) }
}

/// Replaces a file of mode 0600: whoever opens it finds the old content or the new, whatever happens meanwhile.
struct PrivateFileReplacement {
    let path: String
    let folder: String

    /// - Parameter owner: whose the file becomes; `nil` leaves it to the user that runs this.
    func write(_ content: SharedSecret, owner: UInt32?) throws(ConfigurationError) {
        let draft = "\(path).\(getpid()).new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system("cannot be made", draft) }
        defer {
            close(descriptor)
            unlink(draft)
        }
        guard content.bytes.withUnsafeBytes({ Self.writeAll($0, to: descriptor) }), fsync(descriptor) == 0 else {
            throw .system("cannot be written", draft)
        }
        if let owner, owner != geteuid() {
            guard fchown(descriptor, owner, .max) == 0 else { throw .system("cannot be given to its owner", draft) }
        }
        guard rename(draft, path) == 0 else { throw .system("cannot be replaced", path) }
        try Self.sync(folder)
    }

    /// So that a name survives a power cut as the content does.
    static func sync(_ folder: String) throws(ConfigurationError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("cannot be opened", folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("cannot be synced", folder) }
    }

    static func writeAll(_ content: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
        var rest = content[...]
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}

extension ConfigurationError {
    /// What the system said of a file, by `errno`.
    fileprivate static func system(_ what: String, _ path: String) -> ConfigurationError {
        ConfigurationError(file: path, "\(what): \(systemText(errno))")
    }
}
