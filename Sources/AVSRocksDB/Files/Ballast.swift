import AVSStorage

/// A file that takes space only to give it back in need (FAIL-5).
enum Ballast {
    /// Makes the ballast if it is wanted, missing, and there is plenty of space.
    static func provide(in directory: Directory, _ options: RocksDBOptions) throws(StorageError) {
        guard options.ballastBytes > 0 else { return }
        guard try !directory.entries().contains(StartUp.ballastName) else { return }
        let query = options.fileSystemSpace
        let space = try query(directory.path)
        let resume = SpaceMarks(totalBytes: space.totalBytes, options).resume
        guard space.freeBytes > resume + UInt64(options.ballastBytes) else { return }
        let file = try File(directory.file(StartUp.ballastName), .create)
        try file.allocate(options.ballastBytes)
        try file.sync()
        try directory.sync()
    }

    static func release(in directory: Directory) throws(StorageError) {
        try directory.remove(StartUp.ballastName)
        try directory.sync()
    }
}
