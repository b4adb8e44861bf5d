import AVSStorage

/// DUR-14a: the one kind of damage that may be healed without a person. A power cut can leave zero bytes where the
/// last, never synced write was going to be; without them the log ends in an ordinary unfinished record.
struct LogTail: Hashable {
    /// Name of the log, in the database's directory.
    let file: String
    let bytesCut: Int
    /// Name of the log as it was.
    let saved: String

    /// `000123.log` → 123.
    static func number(ofLog name: String) -> UInt64? {
        guard name.hasSuffix(".log") else { return nil }
        let digits = name.utf8.dropLast(4)
        guard (1...20).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt64(String(decoding: digits, as: UTF8.self))
    }

    /// The size of all logs of a database.
    static func totalBytes(in directory: Directory) throws(StorageError) -> UInt64 {
        var bytes: UInt64 = 0
        for name in try directory.entries() where number(ofLog: name) != nil {
            bytes += UInt64(try directory.size(of: name))
        }
        return bytes
    }

    /// Cuts the zeros at the end of the newest log and keeps the log as it was.
    ///
    /// - Returns: what was cut, or `nil` if that log does not end in zeros: then nothing was changed.
    static func cutZeros(in directory: Directory) throws(StorageError) -> LogTail? {
        let logs = try directory.entries().compactMap { name in number(ofLog: name).map { (number: $0, name: name) } }
        guard let newest = logs.max(by: { $0.number < $1.number })?.name else { return nil }
        let log = try File(directory.file(newest), .read)
        let bytes = try log.read(try log.size(), at: 0)
        let kept = (bytes.lastIndex { $0 != 0 } ?? -1) + 1
        guard kept < bytes.count else { return nil }

        let saved = StartUp.savedPrefix + newest
        let shortened = StartUp.savedPrefix + newest + ".new"
        let copy = try File(directory.file(shortened), .create)
        try copy.write(Array(bytes[..<kept]), at: 0)
        try copy.sync()
        try directory.rename(newest, to: saved)
        try directory.rename(shortened, to: newest)
        try directory.sync()
        return LogTail(file: newest, bytesCut: bytes.count - kept, saved: saved)
    }

    /// Undoes the cut: it did not help, and the evidence is worth more than the attempt.
    func putBack(in directory: Directory) throws(StorageError) {
        try directory.rename(saved, to: file)
        try directory.sync()
    }
}
