import AVSStorage
import Glibc

/// The claim of one process on a database directory, with a text that says who it is.
///
/// The library has a lock of its own; ours comes first, is also refused within one process, and its file can be read
/// by whoever is refused. It is released when the owner is, or the process ends.
struct ProcessLock: ~Copyable, Sendable {
    static let fileName = "AVS-LOCK"
    private let file: File
    private let identity: FileIdentity
    private let holder: [UInt8]

    /// - Throws: ``StorageError/locked(by:)`` with what the holder wrote.
    init(_ directory: Directory) throws(StorageError) {
        let file = try File(directory.file(Self.fileName), .keepOrCreate)
        guard try file.tryLock() else { throw .locked(by: try Self.text(in: file)) }
        let holder = Array("process \(getpid()) (\(Self.programName()))\n".utf8)
        try file.truncate(to: 0)
        try file.write(holder, at: 0)
        identity = try file.identity()
        self.holder = holder
        self.file = file
    }

    /// Who holds the lock of a directory; `nil` if it is free. Does not take it.
    static func holder(_ directory: Directory) throws(StorageError) -> String? {
        guard unsafe access(directory.file(fileName), F_OK) == 0 else { return nil }
        let file = try File(directory.file(fileName), .read)
        return try file.isLocked() ? text(in: file) : nil
    }

    /// FAIL-7: whether the lock file is still ours and says so.
    func isIntact(in directory: Directory) throws(StorageError) -> Bool {
        let there = try File(directory.file(Self.fileName), .read)
        guard try there.identity() == identity else { return false }
        return try there.read(holder.count + 1, at: 0) == holder
    }

    private static func text(in file: borrowing File) throws(StorageError) -> String {
        let text = String(decoding: try file.read(200, at: 0).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        return text.isEmpty ? "unknown process" : text
    }

    /// The program's short name, as the kernel knows it. A courtesy: not knowing it is no reason to fail.
    private static func programName() -> String {
        do throws(StorageError) {
            let bytes = try File("/proc/self/comm", .read).read(64, at: 0)
            return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        } catch {
            return "unknown program"
        }
    }
}
