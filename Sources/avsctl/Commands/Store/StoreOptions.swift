import AVSConfiguration
import AVSRocksDB
import ArgumentParser
import Glibc

/// Which database, and in which form results are printed: the same for every command that reads files.
struct StoreOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The folder of the database.", valueName: "path"))
    var db: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The aggregator's configuration, whose db_path is taken.", valueName: "file"))
    var config: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if db != nil, config != nil { throw ValidationError("--db and --config are both given: wanted one of them.") }
        if db == nil, config == nil { throw ValidationError("Wanted --db PATH or --config FILE.") }
    }

    /// Opens the database for reading, lets `body` read, and closes it.
    ///
    /// - Throws: what `body` throws; afterwards a ``Failure`` with code 65 if only a part could be read.
    func withDatabase<R>(_ body: (RocksDBInspector) throws -> R) throws -> R {
        try withDatabase(at: try databasePath(), body)
    }

    /// The same for a database that is named otherwise.
    func withDatabase<R>(at path: String, _ body: (RocksDBInspector) throws -> R) throws -> R {
        if let holder = try RocksDBStore.lockHolder(path: path) {
            Note.write("reading beside \(holder)")
            return try withScratchFolder { folder in
                let inspector = try RocksDBInspector.openFollowing(path: path, ownDirectory: folder)
                defer { inspector.close() }
                try inspector.catchUp()
                return try body(inspector)
            }
        }
        let opened = try open(path)
        defer { opened.inspector.close() }
        let result = try body(opened.inspector)
        if let damage = opened.damage { throw damage }
        return result
    }

    func databasePath() throws -> String {
        if let db { return db }
        let facts = ProcessFacts.takenFromProcess()
        return try AggregatorConfiguration.load(config ?? "", facts: facts).value.databasePath
    }

    /// Of a damaged log, what is there before the damage.
    private func open(_ path: String) throws -> (inspector: RocksDBInspector, damage: Failure?) {
        do {
            return (try RocksDBInspector.openReadOnly(path: path), nil)
        } catch {
            let failure = Failure(error)
            guard failure.code == .damaged else { throw failure }
            let inspector = try RocksDBInspector.openReadOnly(path: path, skipsDamage: true)
            Note.write("\(failure.description); showing what is there before the damage")
            return (inspector, failure)
        }
    }

    /// A private folder for the library's own log of a following reader (BAK-6), removed afterwards.
    private func withScratchFolder<R>(_ body: (String) throws -> R) throws -> R {
        var template = Array((ProcessFacts.takenFromProcess().temporaryDirectory + "/avsctl-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(.writeFailed, "no temporary folder: \(String(cString: strerror(errno)))")
        }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { removeFolder(path) }
        return try body(path)
    }

    /// The folder has files only.
    private func removeFolder(_ path: String) {
        if let folder = opendir(path) {
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != ".." { unlink("\(path)/\(name)") }
            }
            closedir(folder)
        }
        rmdir(path)
    }
}
