import AVSModel
import AVSPrimitives
import AVSRocksDB
import AVSSchema
import AVSStorage
import Foundation
import Testing

/// The built program, beside the one that runs the tests.
struct Tool {
    struct Result {
        var code: Int32
        var output: String
        var notes: String

        var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    static func run(
        _ arguments: [String], reading most: Int? = nil, environment: [String: String] = [:]
    ) throws -> Result {
        let process = Process()
        let (output, notes) = (Pipe(), Pipe())
        process.executableURL = try executable()
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = output
        process.standardError = notes
        try process.run()
        var bytes = Data()
        if let most {
            bytes = try output.fileHandleForReading.read(upToCount: most) ?? Data()
            try output.fileHandleForReading.close()
        } else {
            bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        }
        let text = try notes.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Result(
            code: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
            output: String(decoding: bytes, as: UTF8.self), notes: String(decoding: text, as: UTF8.self))
    }

    private static func executable() throws -> URL {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: tests).deletingLastPathComponent().appending(path: "avsctl")
    }
}

/// A database on disk that goes away with the test.
final class DiskDatabase {
    let folder = NSTemporaryDirectory() + "/avsctl-tests-\(UUID().uuidString)"
    var path: String { folder + "/db" }

    init() throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func open(creates: Bool = false) throws -> RocksDBStore {
        var options = RocksDBOptions { fatality in Issue.record("\(fatality)") }
        options.ballastBytes = 0
        return try RocksDBStore.open(path: path, creates: creates, options: options)
    }

    /// Makes it with these rows and closes it.
    func fill(_ rows: [(String, [UInt8])]) async throws {
        let store = try open(creates: true)
        try await store.update { transaction in
            for (key, value) in rows { try transaction.put(Array(key.utf8), value) }
        }
        await store.close()
    }

    /// Changes a byte in the middle of the newest log.
    func damageLog() throws {
        let logs = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".log") }
        let file = URL(filePath: "\(path)/\(try #require(logs.max()))")
        var bytes = try Data(contentsOf: file)
        try #require(bytes.count > 1_000)
        bytes[bytes.count / 2] ^= 0xff
        try bytes.write(to: file)
    }

    /// Names, sizes and times of all files: what a reader must not change.
    func files() throws -> [String: String] {
        var found: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            let facts = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
            found[name] = "\(facts[.size] ?? 0) \(facts[.modificationDate] ?? 0)"
        }
        return found
    }
}

@Suite("avsctl store", .serialized)
struct StoreCommandTests {
    private let wallet = "w:0x00000000000000000000000000000000000000a1:0x00000000000000000000000000000000000000b2"

    private func record() throws -> [UInt8] {
        let owner = try #require(Address("0x00000000000000000000000000000000000000a1"))
        let address = try #require(Address("0x00000000000000000000000000000000000000b2"))
        return SmartWallet(owner: owner, address: address, factory: nil, salt: UInt256(7)).stored
    }

    @Test("lists keys in pages, as text and as JSON, and never writes")
    func list() async throws {
        let database = try DiskDatabase()
        try await database.fill((0..<25).map { ("zz:\($0 + 10)", [1, 2]) } + [("a\u{1}\\", []), (wallet, record())])
        let before = try database.files()
        let all = try Tool.run(["store", "ls", "--db", database.path])
        #expect(all.code == 0 && all.notes == "", "\(all)")
        #expect(all.lines.count == 30)  // 27 rows and the store's own 3
        #expect(all.lines.first == "a\\x01\\x5c")
        #expect(all.lines.contains("meta:commit"))

        let page = try Tool.run(["store", "ls", "zz:", "--limit", "10", "--db", database.path])
        #expect(page.lines == (10..<20).map { "zz:\($0)" })
        #expect(page.notes == "avsctl: there may be more: --after 'zz:19'\n")
        let next = try Tool.run(["store", "ls", "zz:", "--after", "zz:19", "-l", "--db", database.path])
        #expect(next.lines == (20..<35).map { "zz:\($0)\tunknown\t2" } && next.notes == "")

        let json = try Tool.run(["store", "ls", "w:", "--json", "--db", database.path])
        #expect(try json.lines.map { try JSONValue(parsing: $0)["table"] } == ["wallet"])
        #expect(try database.files() == before)
    }

    @Test("shows a row by its table, hides a secret, and says what it cannot decode")
    func get() async throws {
        let database = try DiskDatabase()
        try await database.fill([
            (wallet, record()), ("secret:_:a:_:b", Array("hunter2".utf8)), ("t:a:bad", [0xff, 1]),
        ])
        let good = try Tool.run(["store", "get", wallet, "--json", "--db", database.path])
        #expect(good.code == 0)
        #expect(try JSONValue(parsing: good.output)["value"]?["salt"] == "7")
        let text = try Tool.run(["store", "get", wallet, "--db", database.path])
        #expect(try JSONValue(parsing: text.output)["owner"] == "0x00000000000000000000000000000000000000a1")
        #expect(text.lines.first == "{" && text.lines.count > 5)

        let secret = try Tool.run(["store", "get", "secret:_:a:_:b", "--db", database.path])
        #expect(secret.output == "••• (7 bytes)\n" && secret.code == 0)
        let bad = try Tool.run(["store", "get", "t:a:bad", "--json", "--db", database.path])
        #expect(bad.code == 65 && bad.notes.hasPrefix("avsctl: undecodable: key: "))
        #expect(try JSONValue(parsing: bad.output)["hex"] == "ff01")
        let none = try Tool.run(["store", "get", "t:a:none", "--db", database.path])
        #expect(none.code == 1 && none.output == "" && none.notes == "avsctl: no key t:a:none\n")
    }

    @Test("counts rows and checks them")
    func statAndCheck() async throws {
        let database = try DiskDatabase()
        try await database.fill([(wallet, record()), ("strange", [1])])
        let stat = try Tool.run(["store", "stat", "--json", "--db", database.path])
        let counts = try JSONValue(parsing: stat.output)
        #expect(stat.code == 0 && counts["epoch"] == "1" && counts["unknown"]?["rows"] == 1)
        #expect(counts["database"]?.stringValue?.count == 32)
        let text = try Tool.run(["store", "stat", "--db", database.path])
        #expect(text.output.contains("commit    ") && text.output.contains("wallet"))

        let check = try Tool.run(["store", "check", "--db", database.path])
        #expect(check.code == 65 && check.output == "I14\tstrange\tthe key is in no table\n")
        #expect(check.notes.hasPrefix("avsctl: 5 rows, 1 findings; secrets were not opened"))
    }

    @Test("BAK-6: reads beside a running server, what it has committed, and leaves nothing behind")
    func besideServer() async throws {
        let database = try DiskDatabase()
        let store = try database.open(creates: true)
        try await store.update { try $0.put(Array("zz:1".utf8), [1]) }
        let first = try Tool.run(["store", "ls", "zz:", "--db", database.path])
        #expect(first.code == 0 && first.lines == ["zz:1"])
        #expect(first.notes.contains("reading beside process \(ProcessInfo.processInfo.processIdentifier)"))
        try await store.update { try $0.put(Array("zz:2".utf8), [1]) }
        #expect(try Tool.run(["store", "ls", "zz:", "--db", database.path]).lines == ["zz:1", "zz:2"])
        await store.close()
        let left = try FileManager.default.contentsOfDirectory(atPath: NSTemporaryDirectory())
        #expect(!left.contains { $0.hasPrefix("avsctl-") && !$0.hasPrefix("avsctl-tests-") })
    }

    @Test("ends in order when its reader leaves")
    func head() async throws {
        let database = try DiskDatabase()
        try await database.fill((0..<20_000).map { ("zz:a rather long key to fill the pipe \($0)", []) })
        let cut = try Tool.run(["store", "ls", "--limit", "100000", "--db", database.path], reading: 100)
        #expect(cut.code == 0 && cut.notes == "")
    }

    @Test("DUR-5: shows what there is of a damaged log, and ends with 65")
    func damaged() async throws {
        let database = try DiskDatabase()
        try await database.fill((0..<200).map { ("zz:\($0)", [UInt8](repeating: 7, count: 100)) })
        try database.damageLog()
        let found = try Tool.run(["store", "ls", "--db", database.path])
        #expect(found.code == 65 && found.notes.contains("showing what is there"), "\(found)")
    }

    @Test("DUR-14: recovers what is before the damage, once its loss is accepted")
    func recover() async throws {
        let database = try DiskDatabase()
        let store = try database.open(creates: true)
        for row in 0..<100 {
            try await store.update { try $0.put(Array("zz:\(row + 100)".utf8), [UInt8](repeating: 7, count: 100)) }
        }
        await store.close()
        let whole = try Tool.run(["store", "recover", "--db", database.path])
        #expect(whole.code == 0 && whole.output == "" && whole.notes.contains("nothing is damaged"), "\(whole)")

        try database.damageLog()
        let shown = try Tool.run(["store", "recover", "--json", "--db", database.path])
        let report = try JSONValue(parsing: shown.output)
        let lost = try #require(report["lost"]?.stringValue.flatMap { Int($0) })
        let last = try #require(report["lastCommit"]?.stringValue.flatMap { Int($0) })
        #expect(shown.code == 65 && lost > 1 && last + lost == 101, "\(shown)")
        #expect(shown.notes.contains("repeat with --accept-loss \(lost)"), "\(shown)")
        let fewer = try Tool.run(["store", "recover", "--accept-loss", "\(lost - 1)", "--db", database.path])
        #expect(fewer.code == 65 && fewer.notes.contains("nothing was changed"), "\(fewer)")

        let done = try Tool.run(["store", "recover", "--accept-loss", "\(lost)", "--db", database.path])
        #expect(done.code == 0 && done.notes.contains("\(database.path).damaged-\(last)"), "\(done)")
        let left = try Tool.run(["store", "ls", "zz:", "--limit", "1000", "--db", database.path])
        #expect(left.code == 0 && left.lines == (1..<last).map { "zz:\($0 + 99)" }, "\(left)")
        await (try database.open()).close()
        #expect(try Tool.run(["store", "ls", "meta:rollback", "--db", database.path]).lines.count == 1)
        #expect(try Tool.run(["store", "ls", "audit:", "--db", database.path]).lines.count == 1)
    }

    @Test("lists what differs between two databases, and ends with 1 if anything does")
    func diff() async throws {
        let (one, two) = (try DiskDatabase(), try DiskDatabase())
        try await one.fill([("zz:1", [1]), ("zz:2", [2]), ("zz:4", [4])])
        try await two.fill([("zz:2", [2]), ("zz:3", [3]), ("zz:4", [5]), ("zy:0", [])])
        let found = try Tool.run(["store", "diff", "--db", one.path, "--with", two.path])
        #expect(found.code == 1 && found.lines == ["+\tzy:0", "-\tzz:1", "+\tzz:3", "~\tzz:4"], "\(found)")
        #expect(found.notes.contains("1 rows are the same, 1 differ, 1 are only here, 2 only in \(two.path)"))
        let json = try Tool.run(["store", "diff", "zz:4", "--json", "--db", one.path, "--with", two.path])
        #expect(try JSONValue(parsing: json.output) == ["key": "zz:4", "difference": "changed"])
        let same = try Tool.run(["store", "diff", "zz:2", "--db", one.path, "--with", two.path])
        #expect(same.code == 0 && same.output == "", "\(same)")
        #expect(try Tool.run(["store", "diff", "--db", one.path, "--with", one.folder + "/none"]).code == 78)
    }

    @Test("tells wrong usage, no database and a configuration's problems apart")
    func exitCodes() throws {
        let database = try DiskDatabase()
        #expect(try Tool.run(["store", "ls"]).code == 64)
        #expect(try Tool.run(["store", "ls", "--db", "a", "--config", "b"]).code == 64)
        #expect(try Tool.run(["store", "ls", "--db", "a", "--limit", "0"]).code == 64)
        #expect(try Tool.run(["store", "get", "\\q", "--db", "a"]).code == 64)
        #expect(try Tool.run(["nonsense"]).code == 64)
        #expect(try Tool.run(["store", "ls", "--db", database.path]).code == 78)
        let broken = try Tool.run(["store", "ls", "--config", database.folder + "/none.yaml"])
        #expect(broken.code == 78 && broken.notes.hasSuffix("none.yaml: does not exist\n"))
    }

    @Test("takes the folder from the aggregator's configuration")
    func configuration() async throws {
        let database = try DiskDatabase()
        try await database.fill([("zz:1", [])])
        let file = database.folder + "/aggregator.yaml"
        let text = """
            db_path: \(database.path)
            keys_dir: \(database.folder)/keys
            chains:
              - rpc_urls: [http://127.0.0.1:8545]

            """
        try Data(text.utf8).write(to: URL(filePath: file))
        #expect(try Tool.run(["store", "ls", "zz:", "-c", file]).lines == ["zz:1"])
    }

    @Test(
        "explains itself",
        arguments: [
            ["--help"], ["store", "--help"], ["store", "ls", "--help"], ["store", "get", "--help"],
            ["help", "store", "stat"],
            ["store", "check", "--help"], ["store", "recover", "--help"],
            ["store", "diff", "--help"],
        ])
    func help(arguments: [String]) throws {
        let help = try Tool.run(arguments)
        #expect(help.code == 0 && help.output.hasPrefix("OVERVIEW: ") && help.notes == "")
    }
}
