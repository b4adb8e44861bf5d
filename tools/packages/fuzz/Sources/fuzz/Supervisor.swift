import Foundation

/// Runs each target in a process of its own and says what became of it.
struct Supervisor {
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
        try FileManager.default.createDirectory(at: findings, withIntermediateDirectories: true)
        let progress = findings.appendingPathComponent("progress-\(ProcessInfo.processInfo.processIdentifier)")
        try Data(count: 8).write(to: progress)
        defer { removeIfPossible(progress) }
        let worker = Process()
        worker.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        worker.arguments =
            ["worker", target.name, "\(seed)", "\(first)", "\(count)", corpus.path, progress.path]
            + (seconds.map { ["\($0)"] } ?? [])
        let output = Pipe()
        worker.standardOutput = output
        let start = ContinuousClock.now
        try worker.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        worker.waitUntilExit()
        let taken = UInt64(text.trimmingCharacters(in: .whitespacesAndNewlines))
        let isClean = worker.terminationReason == .exit && worker.terminationStatus == 0 && taken != nil
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        if !isClean {
            let how = worker.terminationReason == .exit ? "exit status" : "signal"
            try report(target, number: last(progress), "\(how) \(worker.terminationStatus)")
        }
        return Outcome(inputs: taken ?? 0, seconds: elapsed, isClean: isClean)
    }

    private func last(_ progress: URL) throws -> UInt64 {
        try Data(contentsOf: progress).reversed().reduce(0) { $0 << 8 | UInt64($1) }  // as the worker's memory has it
    }

    private func report(_ target: any Target.Type, number: UInt64, _ how: String) throws {
        let input = try makeInput(target.init(), of: target, number)
        let file = findings.appendingPathComponent("\(target.name)-\(seed)-\(number).bin")
        try Data(input).write(to: file)
        say(
            """
            \(target.name): \(how) at input \(number) of seed \(seed), \(input.count) bytes:
            \(hex(input))
            again:   tools/fuzz transport --target \(target.name) --seed \(seed) --first \(number) --runs 1
            kept as: \(file.path)   (tools/fuzz transport --target \(target.name) --input FILE)
            """)
    }

    private func makeInput(_ target: some Target, of type: any Target.Type, _ number: UInt64) throws -> [UInt8] {
        try Corpus(of: type, in: corpus).input(number, for: target, seed: seed).bytes
    }

    private func removeIfPossible(_ file: URL) {
        do { try FileManager.default.removeItem(at: file) } catch { return }
    }
}

func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
