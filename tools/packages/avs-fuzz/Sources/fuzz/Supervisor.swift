import Foundation
import FuzzInputs

/// Runs each target in a process of its own and says what became of it.
struct Supervisor {
    let suite: Suite
    let seed: UInt64
    let corpus: URL
    /// Where failed inputs are put.
    let findings: URL

    struct Outcome {
        var inputs: UInt64
        var seconds: Double
        var isClean: Bool
    }

    func run(_ target: any Target.Type, first: UInt64, count: UInt64, seconds: Double?) throws -> Outcome {
        let progress = try ProgressFile(in: findings, places: 1)
        defer { progress.remove() }
        let child = try Child.run(
            ["worker", target.name, "\(seed)", "\(first)", "\(count)", corpus.path, progress.file.path]
                + (seconds.map { ["\($0)"] } ?? []))
        let taken = UInt64(child.output)
        let failure = child.failure ?? (taken == nil ? "no answer" : nil)
        if let failure { try report(target, number: try progress.numbers.first ?? 0, failure) }
        return Outcome(inputs: taken ?? 0, seconds: child.seconds, isClean: failure == nil)
    }

    private func report(_ target: any Target.Type, number: UInt64, _ how: String) throws {
        let input = try makeInput(target.init(), of: target, number)
        let file = findings.appendingPathComponent("\(target.name)-\(seed)-\(number).bin")
        try Data(input).write(to: file)
        say(
            """
            \(target.name): \(how) at input \(number) of seed \(seed), \(input.count) bytes:
            \(hex(input))
            again:   tools/fuzz \(suite.rawValue) --target \(target.name) --seed \(seed) --first \(number) --runs 1
            kept as: \(file.path)   (tools/fuzz \(suite.rawValue) --target \(target.name) --input FILE)
            """)
    }

    private func makeInput(_ target: some Target, of type: any Target.Type, _ number: UInt64) throws -> [UInt8] {
        try Corpus(of: type.name, in: corpus).input(number, for: target, seed: seed).bytes
    }
}
