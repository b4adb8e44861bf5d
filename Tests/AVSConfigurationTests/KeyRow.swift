import Testing

/// What one key does: its default as it prints, values that it takes and values that it refuses.
struct KeyRow: CustomTestStringConvertible, Sendable {
    let path: String
    /// As in the printed configuration of a minimal file; nil where the key is not printed then.
    let standard: String?
    /// YAML texts. The first one goes with the first one of every other key, the bounds come first and last.
    let accepted: [String]
    let refused: [String]
    /// Other keys that have to be there for the accepted values.
    var companions: [(String, String)] = []

    init(
        _ path: String, _ standard: String?, accepts accepted: [String], refuses refused: [String],
        with companions: [(String, String)] = []
    ) {
        self.path = path
        self.standard = standard
        self.accepted = accepted
        self.refused = refused
        self.companions = companions
    }

    var testDescription: String { path }

    static func boolean(_ path: String, _ standard: Bool, with companions: [(String, String)] = []) -> KeyRow {
        KeyRow(
            path, "\(standard)", accepts: ["true", "false"], refuses: ["yes", "1", "\"true\"", "True", "[true]"],
            with: companions)
    }

    /// - Parameter sample: the value that goes with the samples of other keys.
    static func integer(
        _ path: String, _ standard: Int?, _ bounds: ClosedRange<Int>, sample: Int? = nil,
        with companions: [(String, String)] = []
    ) -> KeyRow {
        KeyRow(
            path, standard.map { "\($0)" },
            accepts: ["\(sample ?? bounds.lowerBound)", "\(bounds.lowerBound)", "\(bounds.upperBound)"],
            refuses: [
                "\(bounds.lowerBound - 1)", "\(bounds.upperBound + 1)", "99999999999999999999", "1.0", "0x10", "010",
                "+1", "many", "\"1\"", "{}", "[1]",
            ],
            with: companions)
    }

    static func bytes(
        _ path: String, _ standard: String, _ low: String, _ high: String, beyond: [String], sample: String? = nil,
        with companions: [(String, String)] = []
    ) -> KeyRow {
        KeyRow(
            path, standard, accepts: [sample ?? low, low, high],
            refuses: beyond + ["1.5MiB", "-1", "1 GiB", "1GB", "9999999999GiB", "lots", "[]"], with: companions)
    }

    static func duration(
        _ path: String, _ standard: String, _ low: String, _ high: String, beyond: [String], sample: String? = nil,
        with companions: [(String, String)] = []
    ) -> KeyRow {
        KeyRow(
            path, standard, accepts: [sample ?? low, low, high],
            refuses: beyond + ["5", "1.5h", "-1s", "1s1h", "1m1m", "999999999999999999d", "soon", "[]"],
            with: companions)
    }

    static func choice(_ path: String, _ standard: String, _ all: [String], with companions: [(String, String)] = [])
        -> KeyRow
    {
        KeyRow(
            path, standard, accepts: all, refuses: ["\(all[0])x", all[0].uppercased(), "\"\"", "[]"], with: companions)
    }

    static func path(_ path: String, _ standard: String?) -> KeyRow {
        KeyRow(
            path, standard, accepts: ["files/\(path)", "/some/where else"], refuses: ["~/x", "\"a\\nb\"", "[a]", "{}"])
    }

    static func address(_ path: String, _ standard: String?) -> KeyRow {
        let digits = "00112233445566778899aabbccddeeff00112233"
        return KeyRow(
            path, standard, accepts: ["0x\(digits)", digits.uppercased(), "\"0X\(digits)\""],
            refuses: [
                "0x0000000000000000000000000000000000000000", "0x\(digits)0", "0x1234", "0x\(digits.dropLast())g", "[]",
            ])
    }

    static func url(
        _ path: String, _ standard: String?, _ scheme: String = "http", with companions: [(String, String)] = []
    )
        -> KeyRow
    {
        KeyRow(
            path, standard,
            accepts: [
                "\(scheme)://127.0.0.1:8545", "\(scheme)s://user:word@node.example/v3/key?a=b", "\(scheme)://[::1]:1",
            ],
            refuses: [
                "ftp://node.example", "node.example:8545", "\(scheme)://", "\(scheme)://a b", "\(scheme)://node:0",
                "\(scheme)://node:99999", "\(scheme)://no_de@x@y", "\"\(scheme)://node/#frag\"", "\(scheme):///path",
                "\(scheme)://127.1/", "\(scheme)://node/•••", "[]",
            ],
            with: companions)
    }

    static func privateKey(_ path: String, with companions: [(String, String)] = []) -> KeyRow {
        let digits = String(repeating: "0123456789abcdef", count: 4)
        return KeyRow(
            path, nil, accepts: ["0x\(digits)", "\"\(digits.uppercased())\""],
            refuses: ["0x1234", "\"\(digits)0\"", String(repeating: "0", count: 64), "•••", "[]"], with: companions)
    }

    static func secret(_ path: String, with companions: [(String, String)] = []) -> KeyRow {
        KeyRow(
            path, nil, accepts: ["a secret of more than 32 bytes, really", "\"x y z\\twith 32 bytes and more in it\""],
            refuses: ["•••", "\"a\\0b\"", "{a: b}"], with: companions)
    }
}
