import AVSCrypto
import AVSPrimitives
import AVSTesting
import Foundation
import Glibc
import Testing

@testable import AVSConfiguration

/// A folder of its own that goes away with the test.
final class ScratchFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/avs-configuration-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        chmod(path, 0o700)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws -> String {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        chmod(file, mode)
        return file
    }

    func mode(_ name: String) -> UInt32? {
        var status = stat()
        return stat("\(path)/\(name)", &status) == 0 ? status.st_mode & 0o7777 : nil
    }
}

@Suite("A configuration on disk")
struct ConfigurationFileTests {
    private let here = ProcessFacts(temporaryDirectory: "scratch", userID: geteuid())
    private let secretFree = good.replacing("jwt_secret: 0123456789abcdef0123456789abcdef", with: "keys_dir: keys")

    @Test(
        "HRD-5: with secrets and open to others is refused in production, warned of in development",
        arguments: [
            (0o600, false), (0o400, false), (0o640, true), (0o604, true), (0o644, true), (0o620, true),
        ] as [(mode_t, Bool)])
    func modes(mode: mode_t, isExposed: Bool) throws {
        let folder = try ScratchFolder()
        let file = try folder.write("c.yaml", good, mode: mode)
        if isExposed {
            let error = #expect(throws: ConfigurationError.self) {
                _ = try AggregatorConfiguration.load(file, facts: here)
            }
            let octal = String(mode, radix: 8)
            #expect(
                error?.description == "\(file): holds secrets and has mode 0\(octal), which lets others at it: "
                    + "wanted 0600 (chmod 600)")
        } else {
            _ = try AggregatorConfiguration.load(file, facts: here)
        }
        let lax = try folder.write("d.yaml", good + "environment: development\n", mode: mode)
        let warned = try AggregatorConfiguration.load(lax, facts: here).warnings.contains {
            $0.message.contains("mode")
        }
        #expect(warned == isExposed)
    }

    @Test(
        "is what its relative paths are relative to",
        arguments: [
            ("/etc/avs/c.yaml", "/home", "/etc/avs/data/db"), ("c.yaml", "/home", "/home/data/db"),
            ("conf/c.yaml", "/home", "/home/conf/data/db"), ("/c.yaml", "/home", "/data/db"), ("c.yaml", "", "data/db"),
            ("../c.yaml", "/home", "/home/../data/db"),
        ])
    func relativePaths(file: String, folder: String, expected: String) throws {
        let facts = ProcessFacts(temporaryDirectory: "/tmp", workingDirectory: folder, userID: 1_000)
        let text = good + "tls: {certificate: cert.pem, key: /keys/key.pem}\n"
        let read = try AggregatorConfiguration.read(Array(text.utf8), file: file, facts: facts).value
        #expect(read.databasePath == expected)
        #expect(read.tls.certificate == expected.dropLast("data/db".count) + "cert.pem")
        #expect(read.tls.key == "/keys/key.pem" && read.backupDirectory == "/tmp/ap-avs-backup")
        guard !folder.isEmpty else { return }
        var marks = facts
        marks.acceptsMarks = true
        let again = try AggregatorConfiguration.read(Array(read.printed().utf8), file: file, facts: marks).value
        #expect(again.databasePath == expected, "what is printed reads back")
    }

    @Test("without secrets may be open to others")
    func noSecrets() throws {
        let folder = try ScratchFolder()
        let file = try folder.write("c.yaml", secretFree, mode: 0o644)
        #expect(try AggregatorConfiguration.load(file, facts: here).holdsSecrets == false)
        let withPassword = secretFree + "eth_rpc_url: http://user:word@a\n"
        #expect(throws: ConfigurationError.self) {
            _ = try AggregatorConfiguration.load(folder.write("d.yaml", withPassword, mode: 0o644), facts: here)
        }
    }

    @Test("of somebody else's is refused")
    func owner() throws {
        let folder = try ScratchFolder()
        let file = try folder.write("c.yaml", good)
        let facts = OpenFile.Facts(mode: 0o600, ownerID: 7, isRegular: true, byteCount: 1)
        #expect(facts.exposure(to: 8)?.contains("belongs to user 7: wanted user 8") == true)
        #expect(facts.exposure(to: 7) == nil)
        #expect(OpenFile.Facts(mode: 0o600, ownerID: 0, isRegular: true, byteCount: 1).exposure(to: 8) == nil)
        var other = here
        other.userID = here.userID &+ 1
        if geteuid() != 0 {
            #expect(throws: ConfigurationError.self) { _ = try AggregatorConfiguration.load(file, facts: other) }
        }
    }

    @Test("says why it cannot be read")
    func unreadable() throws {
        let folder = try ScratchFolder()
        let texts = [folder.path, folder.path + "/missing", folder.path + "/c.yaml/x"].map { path in
            #expect(throws: ConfigurationError.self) { _ = try AggregatorConfiguration.load(path, facts: here) }?
                .description ?? ""
        }
        #expect(texts[0].hasSuffix(": is not a regular file"))
        #expect(texts[1].hasSuffix("/missing: does not exist"))
        mkfifo(folder.path + "/fifo", 0o600)
        let error = #expect(throws: ConfigurationError.self) {
            _ = try OperatorConfiguration.load(folder.path + "/fifo", facts: here)
        }
        #expect(error?.description.hasSuffix("is not a regular file") == true)
        let large = try folder.write("large", String(repeating: "#", count: 1 << 20 + 1))
        let tooLarge = #expect(throws: ConfigurationError.self) {
            _ = try AggregatorConfiguration.load(large, facts: here)
        }
        #expect(tooLarge?.description.hasSuffix("is larger than 1048576 bytes") == true)
    }

    @Test("of an operator is loaded the same way")
    func operatorFile() throws {
        let folder = try ScratchFolder()
        let document = Document(OperatorRows.minimum)
        #expect(try OperatorConfiguration.load(folder.write("o.yaml", document.text), facts: here).warnings.isEmpty)
    }
}

@Suite("The folder of keys")
struct KeysDirectoryTests {
    private func keys(_ path: String, _ environment: DeploymentEnvironment = .production) -> KeysDirectory {
        KeysDirectory(path: path, environment: environment, userID: geteuid())
    }

    private func bytes(_ secret: SharedSecret) -> [UInt8] { secret.bytes.withUnsafeBytes { Array($0) } }

    @Test("is filled in development, once", arguments: 0..<3 as Range<UInt64>)
    func generated(seed: UInt64) throws {
        let folder = try ScratchFolder()
        let path = folder.path + "/new/keys"
        var random = SeededGenerator(seed: seed)
        let secret = try keys(path, .development).tokenSecrets(using: &random)
        let root = try keys(path, .development).rootKeys(using: &random)
        #expect(secret.current.bytes.count == 64 && secret.previous == nil && secret.warnings.isEmpty)
        #expect(root.map { $0.bytes.count } == [32])
        #expect(folder.mode("new/keys/jwt_secret") == 0o600 && folder.mode("new/keys/root_key") == 0o600)
        #expect(folder.mode("new/keys") == 0o700)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path).sorted() == ["jwt_secret", "root_key"])

        let again = try keys(path).tokenSecrets(using: &random)
        #expect(bytes(again.current) == bytes(secret.current))
        #expect(try keys(path).rootKeys(using: &random).map(bytes) == root.map(bytes))
    }

    @Test(
        "KMS-3: gets a new root key in front of the others, and gives up an old one", arguments: 0..<3 as Range<UInt64>)
    func rotated(seed: UInt64) throws {
        let folder = try ScratchFolder()
        var random = SeededGenerator(seed: seed)
        let keys = keys(folder.path)
        #expect(try keys.rootKeyIDs().isEmpty)
        let first = try keys.rotateRootKey(using: &random)
        let second = try keys.rotateRootKey(using: &random)
        let third = try keys.rotateRootKey(using: &random)
        #expect(try keys.rootKeyIDs() == [third, second, first])
        #expect(try keys.rootKeys(using: &random).map { try RootKey($0).id } == [third, second, first])
        #expect(folder.mode("root_key") == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["root_key"])
        try keys.retireRootKey(second)
        #expect(try keys.rootKeyIDs() == [third, first])
        for wrong in [third, second] {
            #expect(throws: ConfigurationError.self) { try keys.retireRootKey(wrong) }
        }
        #expect(try keys.rootKeyIDs() == [third, first])
    }

    @Test("KMS-2: is never filled in production")
    func production() throws {
        let folder = try ScratchFolder()
        var random = SeededGenerator(seed: 1)
        let error = #expect(throws: ConfigurationError.self) { try keys(folder.path).tokenSecrets(using: &random) }
        #expect(error?.description == "\(folder.path)/jwt_secret: does not exist, and is made only in development")
        #expect(try keys(folder.path).rootKeys(using: &random).isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test(
        "JWT-5: two secrets may be active, without the line feed at their ends",
        arguments: [
            ("x", "x"), ("x\n", "x"), ("x\r\n", "x"), ("x\n\n", "x\n"), ("a\nb\n", "a\nb"), ("\n\nx", "\n\nx"),
        ])
    func tokenSecrets(content: String, secret: String) throws {
        let long = String(repeating: "l", count: 32)
        let folder = try ScratchFolder()
        _ = try folder.write("jwt_secret", long + content)
        _ = try folder.write("jwt_secret_previous", content + long + "\n")
        var random = SeededGenerator(seed: 1)
        let secrets = try keys(folder.path).tokenSecrets(using: &random)
        #expect(bytes(secrets.current) == Array((long + secret).utf8))
        #expect(secrets.previous.map(bytes) == Array((content + long).utf8))
    }

    @Test(
        "JWT-5: an empty secret is refused, a short one in production",
        arguments: [
            ("", "is empty"), ("\n", "is empty"), ("123456789012345", "has 15 bytes: in production"),
            ("1234567890123456", nil),
        ])
    func shortSecret(content: String, problem: String?) throws {
        let folder = try ScratchFolder()
        _ = try folder.write("jwt_secret", content)
        var random = SeededGenerator(seed: 1)
        if let problem {
            let error = #expect(throws: ConfigurationError.self) { try keys(folder.path).tokenSecrets(using: &random) }
            #expect(error?.description.contains(problem) == true)
        } else {
            #expect(try keys(folder.path).tokenSecrets(using: &random).warnings.count == 1)
        }
    }

    @Test("has root keys, one per line")
    func rootKeys() throws {
        let (first, second) = (String(repeating: "0a", count: 32), String(repeating: "FF", count: 32))
        let folder = try ScratchFolder()
        _ = try folder.write("root_key", "\(first)\r\n\n0x\(second)")
        var random = SeededGenerator(seed: 1)
        let found = try keys(folder.path).rootKeys(using: &random).map(bytes)
        #expect(found == [[UInt8](repeating: 10, count: 32), [UInt8](repeating: 255, count: 32)])
    }

    @Test("refuses what is no root key, and does not show it", arguments: ["", "\n\n", "abc", "ff", "zz\n"])
    func badRootKey(content: String) throws {
        let folder = try ScratchFolder()
        let good = content.isEmpty || content == "\n\n" ? "" : String(repeating: "0a", count: 32) + "\n"
        _ = try folder.write("root_key", good + content)
        var random = SeededGenerator(seed: 1)
        let error = #expect(throws: ConfigurationError.self) { try keys(folder.path).rootKeys(using: &random) }
        let text = error?.description ?? ""
        #expect(
            good.isEmpty ? text.contains("is empty") : text.contains("root_key:2:1: not a key: wanted 64 hex digits"))
    }

    @Test("refuses files that others can read, and a folder that others can write")
    func modes() throws {
        let folder = try ScratchFolder()
        let secret = String(repeating: "x", count: 32)
        var random = SeededGenerator(seed: 1)
        for mode: mode_t in [0o640, 0o604, 0o660, 0o666] {
            _ = try folder.write("jwt_secret", secret, mode: mode)
            #expect(throws: ConfigurationError.self) {
                try keys(folder.path, .development).tokenSecrets(using: &random)
            }
        }
        _ = try folder.write("jwt_secret", secret)
        _ = try keys(folder.path).tokenSecrets(using: &random)
        chmod(folder.path, 0o770)
        #expect(throws: ConfigurationError.self) { try keys(folder.path).tokenSecrets(using: &random) }
        chmod(folder.path, 0o750)
        _ = try keys(folder.path).tokenSecrets(using: &random)
    }

    @Test("is not needed where the file and the environment have the keys")
    func otherSources() throws {
        var given = ProcessFacts(temporaryDirectory: "scratch", userID: geteuid())
        let value = try AggregatorConfiguration.read(Array(good.utf8), file: "c", facts: given).value
        var random = SeededGenerator(seed: 1)
        #expect(
            try bytes(value.tokenSecrets(given, using: &random).current)
                == Array("0123456789abcdef0123456789abcdef".utf8))
        #expect(try value.rootKeys(given, using: &random).isEmpty)
        given.variables[.rootKey] = Sensitive(String(repeating: "11", count: 32))
        #expect(try value.rootKeys(given, using: &random).map(bytes) == [[UInt8](repeating: 17, count: 32)])
        given.variables[.rootKey] = Sensitive("11")
        #expect(throws: ConfigurationError.self) { try value.rootKeys(given, using: &random) }
        #expect(try value.controllerKey(given) == nil)

        let stored = try AggregatorConfiguration.read(
            Array((good + "controller: {keystore_path: k}\n").utf8), file: "c", facts: given
        ).value
        #expect(throws: ConfigurationError.self) { try stored.controllerKey(given) }
        given.variables[.controllerPassword] = Sensitive("word")
        #expect(try stored.controllerKey(given) == .keystore(path: "k", password: Sensitive("word")))
    }
}
