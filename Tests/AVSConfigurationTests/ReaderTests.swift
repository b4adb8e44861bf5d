import AVSPrimitives
import AVSTesting
import Testing

@testable import AVSConfiguration

/// The problems of an aggregator's file, one per line as they would be printed; empty if there are none.
func problems(_ text: String, facts: ProcessFacts = facts) -> [String] {
    do {
        _ = try AggregatorConfiguration.read(Array(text.utf8), file: "c.yaml", facts: facts)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

func warnings(_ text: String, facts: ProcessFacts = facts) throws -> [String] {
    try AggregatorConfiguration.read(Array(text.utf8), file: "c.yaml", facts: facts).warnings.map(\.description)
}

/// A file that works; tests append to it.
let good = """
    db_path: data/db
    jwt_secret: 0123456789abcdef0123456789abcdef
    chains:
      - id: 1
        default: true
        rpc_urls: [http://127.0.0.1:8545]

    """

@Suite("A configuration file")
struct ReaderTests {
    @Test(
        "HRD-5: names the nearest key for an unknown one",
        arguments: [
            ("enviroment: production", "7:1: enviroment: unknown key: did you mean `environment`?"),
            ("db_paht: x", "7:1: db_paht: unknown key: did you mean `db_path`?"),
            ("HTTP-Bind-Address: x", "7:1: HTTP-Bind-Address: unknown key: did you mean `http_bind_address`?"),
            ("queue: {wokers: 3}", "7:9: queue.wokers: unknown key: did you mean `workers`?"),
            ("workers: 3", "7:1: workers: unknown key here: did you mean `queue.workers`?"),
            ("limits: {sync: 3}", "7:10: limits.sync: unknown key of `limits`"),
            ("clock: {zzzzzzzzz: 3}", "7:9: clock.zzzzzzzzz: unknown key: known here are jump"),
            ("zzzzzzzzz: 3", "7:1: zzzzzzzzz: unknown key of the configuration"),
            ("<<: 3", "7:1: <<: unknown key of the configuration"),
        ])
    func unknownKey(line: String, problem: String) {
        #expect(problems(good + line) == ["c.yaml:\(problem)"])
    }

    @Test("shows everything that is wrong at once, in the order of the file")
    func severalProblems() {
        let text = """
            environment: staging
            db_path: ~/db
            rpc_bind_address: 99999
            chains:
              - id: 0
                rpc_urls: [http://127.0.0.1:8545, ftp://x, http://127.0.0.1:8545]
              - id: "7"
                rpc_url: http://a.example
            queue:
              workers: lots
            colour: red

            """
        #expect(
            problems(text) == [
                "c.yaml:1:1: jwt_secret: is missing: wanted it here or in the file `jwt_secret` of `keys_dir`",
                "c.yaml:1:14: environment: `staging` is not allowed: wanted one of development, production",
                "c.yaml:2:10: db_path: `~/db` is not allowed: wanted a path of 1 to 4,095 bytes, not starting with ~",
                "c.yaml:3:19: rpc_bind_address: `99999` is not allowed: wanted host:port, as in 127.0.0.1:2206, "
                    + "[::1]:2206 or host.example:2206",
                "c.yaml:5:3: chains: none of 2 chains has `default: true`: wanted exactly one",
                "c.yaml:5:9: chains[0].id: `0` is not allowed: wanted an integer from 1 to 9,223,372,036,854,775,771",
                "c.yaml:6:39: chains[0].rpc_urls[1]: `ftp://x` is not allowed: wanted a URL: http:// or "
                    + "https://host[:port][/path], in ASCII without spaces, \\ and #",
                "c.yaml:6:48: chains[0].rpc_urls[2]: is the same as [0]: wanted each value once",
                "c.yaml:7:5: chains[1].rpc_urls: is missing: wanted a list of 1 to 16 URLs",
                "c.yaml:7:9: chains[1].id: `\"7\"` in quotes is a text: wanted an integer from 1 to "
                    + "9,223,372,036,854,775,771",
                "c.yaml:8:5: chains[1].rpc_url: unknown key: did you mean `rpc_urls`?",
                "c.yaml:10:12: queue.workers: `lots` is not allowed: wanted an integer from 1 to 1,024",
                "c.yaml:11:1: colour: unknown key of the configuration",
            ])
    }

    @Test(
        "is refused as a whole when it is no YAML",
        arguments: [
            ("a: [1", "not valid YAML"), ("a: b: c", "not valid YAML"), ("a: \"x", "not valid YAML"),
            ("a: *nobody", "not valid YAML"), ("\ta: 1", "not valid YAML"), ("a: 1\n---\nb: 2", "not valid YAML"),
            ("a: \u{1}", "not valid YAML"), ("a: 1\na: 2", "is given more than once"),
            ("queue: {workers: 1, workers: 2}", "is given more than once"),
        ])
    func notYAML(text: String, message: String) throws {
        let found = problems(text)
        #expect(found.count == 1)
        let problem = try #require(found.first)
        #expect(problem.contains(message))
        #expect(problem.wholeMatch(of: /c\.yaml:\d+:\d+: [\s\S]*/) != nil, "\(problem)")
    }

    @Test("is refused where it is not a mapping", arguments: ["[a]", "text", "- db_path: x"])
    func noMapping(text: String) {
        #expect(problems(text).first?.contains("wanted keys with values") == true)
    }

    @Test("names what is missing when it is empty", arguments: ["", "# nothing\n", "---\n", "{}", "~"])
    func empty(text: String) {
        let keys = problems(text).map { $0.split(separator: ": ")[1] }
        #expect(Set(keys) == ["db_path", "chains", "jwt_secret"])
    }

    @Test("takes a key without a value as absent", arguments: ["", " ~", " null"])
    func noValue(value: String) {
        #expect(
            problems(good + "queue:\(value)\nenvironment:\(value)\nsentry_dsn:\(value)\napproved_operators:\(value)\n")
                == [])
        #expect(problems(good.replacing("data/db", with: value)).map { $0.contains("db_path: is missing") } == [true])
    }

    @Test("may start with a byte order mark and have carriage returns")
    func foreignEditor() {
        #expect(problems("\u{feff}" + good.replacing("\n", with: "\r\n")) == [])
    }

    @Test("is refused where it is not UTF-8, with the place")
    func invalidUTF8() {
        let bytes = Array(good.utf8) + Array("log: {level: é".utf8) + [0xff, 0x0a]
        let error = #expect(throws: ConfigurationError.self) {
            _ = try AggregatorConfiguration.read(bytes, file: "c.yaml", facts: facts)
        }
        #expect(error?.description == "c.yaml:7:15: not valid UTF-8")
    }

    @Test("is refused above 1 MiB")
    func tooLarge() {
        let text = good + String(repeating: "#", count: 1 << 20)
        #expect(problems(text).map { $0.contains("wanted at most 1048576") } == [true])
    }

    @Test("may share values by anchors")
    func anchors() throws {
        let text = good + "eth_rpc_url: &node http://127.0.0.1:1\netherscan_url: *node\n"
        let value = try AggregatorConfiguration.read(Array(text.utf8), file: "c", facts: facts).value
        #expect(value.external.etherscanURL == value.external.eigenLayerRPC)
    }

    @Test("shows no more than 64 characters of a value, and no control characters")
    func longValue() {
        let found = problems(good + "environment: \"\\e[31m\\u202e\(String(repeating: "x", count: 100))\"\n")
        #expect(
            found.first?.contains("`?[31m?\(String(repeating: "x", count: 58))…` is not allowed") == true, "\(found)")
    }

    @Test(
        "never shows a secret in a problem",
        arguments: [
            "ecdsa_private_key: hunter2secret", "jwt_secret_previous: [hunter2secret]",
            "eth_rpc_url: ftp://hunter2secret@node.example/hunter2secret?hunter2secret", "eth_rpc_url: hunter2secret",
            "controller: {private_key: 0xhunter2secret}", "macros: {secrets: {a: {hunter2secret: 1}}}",
        ])
    func secrets(line: String) {
        let found = problems(good + line)
        #expect(!found.isEmpty)
        #expect(!found.contains { $0.contains("hunter2secret") }, "\(found)")
    }

    @Test("survives being cut anywhere, each byte flipped, and nesting without end")
    func damage() {
        let bytes = Array((good + AggregatorExample.text).utf8)
        for count in stride(from: 0, to: bytes.count, by: 3) {
            _ = try? AggregatorConfiguration.read(Array(bytes.prefix(count)), file: "c", facts: facts)
        }
        for index in stride(from: 0, to: bytes.count, by: 3) {
            var damaged = bytes
            damaged[index] ^= UInt8(1 << (index % 8))
            _ = try? AggregatorConfiguration.read(damaged, file: "c", facts: facts)
        }
        for open in ["[", "{a: ", "- ", "? ", "a: [", "&a [*a, "] {
            #expect(!problems(String(repeating: open, count: 100_000)).isEmpty)
        }
    }
}

@Suite("The distance between two keys")
struct KeyDistanceTests {
    @Test(
        "counts changes and swapped neighbours",
        arguments: [
            ("", "", 0), ("a", "", 1), ("workers", "workers", 0), ("wokers", "workers", 1), ("wrokers", "workers", 1),
            ("abc", "xyz", 3), ("db_paht", "db_path", 1), ("kitten", "sitting", 3),
        ])
    func distance(first: String, second: String, expected: Int) {
        #expect(KeySuggestion.distance(Array(first.utf8), Array(second.utf8)) == expected)
        #expect(KeySuggestion.distance(Array(second.utf8), Array(first.utf8)) == expected)
    }
}
