import Glibc

/// A file opened for reading: what is asked of it and what is read from it are of the same file, whatever happens to
/// its name meanwhile.
struct OpenFile: ~Copyable {
    struct Facts: Hashable {
        /// The permission bits.
        var mode: UInt32
        var ownerID: UInt32
        var isRegular: Bool
        var byteCount: Int

        /// Why others could read or change the file, or nil (HRD-5, KMS-8).
        ///
        /// - Parameter userID: who may own it, beside root.
        func exposure(to userID: UInt32) -> String? {
            if ownerID != userID, ownerID != 0 {
                return "belongs to user \(ownerID): wanted user \(userID), who runs this, or root"
            }
            guard mode & 0o077 != 0 else { return nil }
            let octal = String(mode, radix: 8)
            return "has mode 0\(octal), which lets others at it: wanted 0600 (chmod 600)"
        }
    }

    let path: String
    private let descriptor: Int32

    /// Nil where there is no such file.
    ///
    /// - Throws: why it cannot be opened.
    static func open(_ path: String) throws(ConfigurationError) -> OpenFile? {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if descriptor >= 0 { return OpenFile(path: path, descriptor: descriptor) }
        let code = errno
        if code == ENOENT { return nil }
        throw ConfigurationError(file: path, "cannot be opened: \(systemText(code))")
    }

    private init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    func facts() throws(ConfigurationError) -> Facts {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw ConfigurationError(file: path, "cannot be examined: \(systemText(errno))")
        }
        return Facts(
            mode: status.st_mode & 0o7777, ownerID: status.st_uid, isRegular: status.st_mode & S_IFMT == S_IFREG,
            byteCount: status.st_size)
    }

    /// Fills `buffer` as far as the file goes, and says how far.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ConfigurationError) -> Int {
        var count = 0
        while count < buffer.count {
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            let got = Glibc.read(descriptor, part.baseAddress, part.count)
            if got == 0 { break }
            if got < 0 {
                if errno == EINTR { continue }
                throw ConfigurationError(file: path, "cannot be read: \(systemText(errno))")
            }
            count += got
        }
        return count
    }

    /// The whole file.
    ///
    /// - Throws: also for what is no regular file, and for more than `limit` bytes.
    func content(limit: Int) throws(ConfigurationError) -> [UInt8] {
        guard try facts().isRegular else { throw ConfigurationError(file: path, "is not a regular file") }
        var content = [UInt8](repeating: 0, count: limit + 1)
        let count = try content.withUnsafeMutableBufferPointer { (buffer) throws(ConfigurationError) in
            try read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        guard count <= limit else { throw ConfigurationError(file: path, "is larger than \(limit) bytes") }
        return Array(content.prefix(count))
    }
}

/// What the system calls an error number.
func systemText(_ code: Int32) -> String { String(cString: strerror(code)) }

extension ConfigurationError {
    /// One problem of a whole file.
    init(file: String, _ message: String) {
        self.init(problems: [ConfigurationProblem(file: file, position: nil, key: "", message: message)])
    }
}
