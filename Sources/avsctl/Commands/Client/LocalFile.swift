import Glibc

/// Small files of the person who runs us.
enum LocalFile {
    /// The content of a file, or of standard input for `-`.
    ///
    /// - Parameter isPrivate: refuse a file that others can read.
    static func read(_ path: String, limitBytes: Int, isPrivate: Bool = false) throws -> [UInt8] {
        if path == "-" { return try read(STDIN_FILENO, "standard input", limitBytes) }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        if isPrivate {
            var facts = stat()
            guard fstat(descriptor, &facts) == 0 else { throw failure(path) }
            guard facts.st_mode & 0o077 == 0 else {
                throw Failure(.configuration, "\(path): others can read it; wanted mode 0600")
            }
        }
        return try read(descriptor, path, limitBytes)
    }

    private static func read(_ descriptor: Int32, _ name: String, _ limitBytes: Int) throws -> [UInt8] {
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(name) }
            guard count > 0 else { return content }
            content += buffer.prefix(count)
            guard content.count <= limitBytes else {
                throw Failure(.usage, "\(name): over \(limitBytes) bytes, which is more than is read")
            }
        }
    }

    /// Replaces a file in one step by one that only its owner can read, and makes the folders above it.
    static func writePrivate(_ content: [UInt8], to path: String) throws {
        try makeFolder(of: path)
        let draft = "\(path).\(getpid())"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(draft) }
        defer { close(descriptor) }
        var rest = content[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw discarding(draft) }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0, rename(draft, path) == 0 else { throw discarding(draft) }
    }

    private static func discarding(_ draft: String) -> Failure {
        let failure = failure(draft)
        unlink(draft)
        return failure
    }

    private static func makeFolder(of path: String) throws {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        let folder = String(path[..<slash])
        if mkdir(folder, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT else { throw failure(folder) }
        try makeFolder(of: folder)
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw failure(folder) }
    }

    private static func failure(_ path: String) -> Failure {
        Failure(.writeFailed, "\(path): \(String(cString: strerror(errno)))")
    }
}

/// Variables of the environment, as texts; nil for one that is not set or is empty.
enum Variable {
    static func text(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }
}
