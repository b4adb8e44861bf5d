import AVSStorage
import Glibc

/// One open file. Closed by its owner.
struct File: ~Copyable, Sendable {
    private let descriptor: Int32
    let path: String

    enum Access {
        case read
        case readWrite
        /// For reading and writing, empty, made if it is not there.
        case create
        /// For reading and writing, with what is in it, made if it is not there.
        case keepOrCreate

        fileprivate var flags: Int32 {
            switch self {
            case .read: O_RDONLY
            case .readWrite: O_RDWR
            case .create: O_RDWR | O_CREAT | O_TRUNC
            case .keepOrCreate: O_RDWR | O_CREAT
            }
        }
    }

    /// Opens a file. New ones are private to us (HRD-1), and no child process inherits it.
    init(_ path: String, _ access: Access) throws(StorageError) {
        let descriptor = unsafe open(path, access.flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system("open", path) }
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// Up to `count` bytes at `offset`; fewer at the end of the file.
    func read(_ count: Int, at offset: Int) throws(StorageError) -> [UInt8] {
        var failed = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let start = unsafe buffer.baseAddress.map { unsafe $0 + filled }
                let step = unsafe pread(descriptor, start, count - filled, off_t(offset + filled))
                if step < 0 && errno == EINTR { continue }
                failed = step < 0
                if step <= 0 { break }
                filled += step
            }
        }
        if failed { throw .system("pread", path) }
        return bytes
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(StorageError) {
        var written = 0
        while written < bytes.count {
            let step = unsafe bytes.withUnsafeBytes { buffer in
                let start = unsafe buffer.baseAddress.map { unsafe $0 + written }
                return unsafe pwrite(descriptor, start, bytes.count - written, off_t(offset + written))
            }
            if step < 0 && errno == EINTR { continue }
            guard step > 0 else { throw .system("pwrite", path) }
            written += step
        }
    }

    func size() throws(StorageError) -> Int {
        try status().size
    }

    /// Which file this is, whatever its name is now.
    func identity() throws(StorageError) -> FileIdentity {
        try status().identity
    }

    func truncate(to count: Int) throws(StorageError) {
        guard ftruncate(descriptor, off_t(count)) == 0 else { throw .system("ftruncate", path) }
    }

    /// Takes `count` bytes of disk for the file, so that later writes to it cannot run out of space.
    func allocate(_ count: Int) throws(StorageError) {
        let code = posix_fallocate(descriptor, 0, off_t(count))
        guard code == 0 else { throw .system("posix_fallocate", path, code: code) }
    }

    /// Waits until the contents are on the disk. Never repeated after an error (FAIL-1).
    func sync() throws(StorageError) {
        guard fdatasync(descriptor) == 0 else { throw .system("fdatasync", path) }
    }

    /// Takes the file's lock for this opening of it, or says that another has it. Released when the file is closed.
    func tryLock() throws(StorageError) -> Bool {
        var request = Self.wholeFile
        if unsafe fcntl(descriptor, Self.setLock, &request) == 0 { return true }
        guard errno == EAGAIN || errno == EACCES else { throw .system("fcntl(F_OFD_SETLK)", path) }
        return false
    }

    /// Whether another opening of the file holds its lock. Takes nothing, so it cannot disturb a start.
    func isLocked() throws(StorageError) -> Bool {
        var request = Self.wholeFile
        guard unsafe fcntl(descriptor, Self.getLock, &request) == 0 else { throw .system("fcntl(F_OFD_GETLK)", path) }
        return request.l_type != Int16(F_UNLCK)
    }

    /// `F_OFD_GETLK` and `F_OFD_SETLK`, which Swift does not import: locks that belong to an opening of a file and not
    /// to a process, so that a second opening within this process is refused as well.
    private static let (getLock, setLock): (Int32, Int32) = (36, 37)

    private static var wholeFile: Glibc.flock {
        var request = Glibc.flock()
        request.l_type = Int16(F_WRLCK)
        request.l_whence = Int16(SEEK_SET)
        return request
    }

    private func status() throws(StorageError) -> (size: Int, identity: FileIdentity) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .system("fstat", path) }
        return (Int(status.st_size), FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)))
    }
}

/// Which file or directory, whatever its name is.
struct FileIdentity: Hashable {
    var device: UInt64
    var inode: UInt64
}

extension StorageError {
    /// A failed system call, in the system's own words.
    static func system(_ call: String, _ path: String, code: Int32 = errno) -> StorageError {
        var buffer = [UInt8](repeating: 0, count: 256)
        unsafe buffer.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            _ = unsafe strerror_r(code, start.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        return .io(call: "\(call) \(path)", text: String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self))
    }
}
