public import AVSStorage
import Glibc

/// A directory by its path.
struct Directory: Hashable, Sendable {
    let path: String

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// What there is at the path: `nil` if nothing, an error if it cannot be told.
    func status() throws(StorageError) -> (isDirectory: Bool, owner: UInt32, mode: UInt32, identity: FileIdentity)? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw .system("stat", path)
        }
        return (
            status.st_mode & S_IFMT == S_IFDIR, status.st_uid, UInt32(status.st_mode & 0o7777),
            FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        )
    }

    /// Names of the entries, sorted, without `.` and `..`.
    func entries() throws(StorageError) -> [String] {
        guard let stream = unsafe opendir(path) else { throw .system("opendir", path) }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else { break }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) {
                    unsafe String(cString: $0)
                }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        if errno != 0 { throw .system("readdir", path) }
        return names.sorted()
    }

    /// Makes the directory with mode 0700, and its parent's entry durable.
    func create() throws(StorageError) {
        guard unsafe mkdir(path, 0o700) == 0 else { throw .system("mkdir", path) }
        try parent.sync()
    }

    func makePrivate() throws(StorageError) {
        guard unsafe chmod(path, 0o700) == 0 else { throw .system("chmod", path) }
    }

    /// Makes new, renamed and removed entries durable.
    func sync() throws(StorageError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("fsync", path) }
    }

    func rename(_ name: String, to other: String) throws(StorageError) {
        guard unsafe Glibc.rename(file(name), file(other)) == 0 else { throw .system("rename", file(name)) }
    }

    /// Removes a file; no error if there is none.
    func remove(_ name: String) throws(StorageError) {
        guard unsafe unlink(file(name)) == 0 || errno == ENOENT else { throw .system("unlink", file(name)) }
    }

    func removeFiles() throws(StorageError) {
        for name in try entries() { try remove(name) }
    }

    /// Removes the files in the directory, and the directory.
    func removeWithFiles() throws(StorageError) {
        try removeFiles()
        guard unsafe rmdir(path) == 0 else { throw .system("rmdir", path) }
    }

    func size(of name: String) throws(StorageError) -> Int {
        try File(file(name), .read).size()
    }

    /// Gives a file a second name in `other`; copies it where the file system cannot do that.
    func link(_ name: String, into other: Directory) throws(StorageError) {
        if unsafe Glibc.link(file(name), other.file(name)) == 0 { return }
        guard errno == EXDEV || errno == EPERM || errno == EMLINK || errno == EOPNOTSUPP else {
            throw .system("link", other.file(name))
        }
        try copy(name, into: other)
    }

    /// Copies a file; the copy is durable.
    func copy(_ name: String, into other: Directory) throws(StorageError) {
        let source = try File(file(name), .read)
        let target = try File(other.file(name), .create)
        var offset = 0
        while true {
            let bytes = try source.read(1 << 20, at: offset)
            if bytes.isEmpty { break }
            try target.write(bytes, at: offset)
            offset += bytes.count
        }
        try target.sync()
    }

    /// A directory beside this one, whose name is this one's with something behind it.
    func sibling(_ suffix: String) -> Directory { Directory(path: trimmedPath + suffix) }

    /// Gives the directory another path, where nothing is. Durable when it returns.
    func move(to other: Directory) throws(StorageError) {
        guard unsafe Glibc.rename(trimmedPath, other.path) == 0 else { throw .system("rename", path) }
        try parent.sync()
    }

    private var trimmedPath: String {
        var path = Substring(self.path)
        while path.count > 1, path.last == "/" { path.removeLast() }
        return String(path)
    }

    private var parent: Directory {
        let path = trimmedPath
        guard let slash = path.lastIndex(of: "/") else { return Directory(path: ".") }
        return Directory(path: slash == path.startIndex ? "/" : String(path[..<slash]))
    }
}

/// How large a file system is, and how much of it we may still use.
public struct FileSystemSpace: Hashable, Sendable {
    public var totalBytes: UInt64
    public var freeBytes: UInt64

    public init(totalBytes: UInt64, freeBytes: UInt64) {
        self.totalBytes = totalBytes
        self.freeBytes = freeBytes
    }

    /// Asks the file system that holds `directory`.
    public init(of directory: String) throws(StorageError) {
        var space = statvfs()
        guard unsafe statvfs(directory, &space) == 0 else { throw .system("statvfs", directory) }
        let block = UInt64(space.f_frsize)
        totalBytes = UInt64(space.f_blocks).multipliedReportingOverflow(by: block).partialValue
        freeBytes = UInt64(space.f_bavail).multipliedReportingOverflow(by: block).partialValue
    }
}
