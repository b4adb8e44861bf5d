import ArgumentParser
import Foundation
import FuzzInputs

#if canImport(Glibc)
    import Glibc
#endif

/// See `tools/fuzz --help`, which builds and calls this.
@main
struct Fuzz: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuzz", subcommands: [TransportCommand.self, EngineCommand.self, WorkerCommand.self])
}

struct TransportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "transport")

    @OptionGroup var campaign: Campaign

    func run() async throws { try await campaign.run(.transport) }
}

struct EngineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "engine")

    @OptionGroup var campaign: Campaign

    func run() async throws { try await campaign.run(.engine) }
}

struct Campaign: ParsableArguments {
    @Option(help: "Inputs over all targets, or for the one of --target.")
    var runs: UInt64 = 1_000_000

    @Option(help: "At most so many seconds in all.")
    var seconds: Double?

    @Option(help: "Where the random numbers begin.")
    var seed: UInt64 = 1

    @Option(help: "Only this target.")
    var target: String?

    @Option(help: "The number of the first input.")
    var first: UInt64 = 0

    @Option(help: "Run this file and nothing else; needs --target.")
    var input: String?

    @Option(help: "The folder of kept inputs.")
    var corpus: String

    @Option(help: "Where failed inputs are put.")
    var findings: String

    func run(_ suite: Suite) async throws {
        let targets = try chosen(of: suite)
        if let input { return try await run(file: input, on: targets) }
        let supervisor = Supervisor(
            suite: suite, seed: seed, corpus: URL(fileURLWithPath: corpus), findings: URL(fileURLWithPath: findings))
        let shares = targets.map { UInt64($0.share) }.reduce(0, +)
        var (total, all, areClean) = (UInt64(0), 0.0, true)
        for target in targets {
            let share = Double(target.share) / Double(shares)
            let count = target.share == Int(shares) ? runs : UInt64(Double(runs) * share) + 1
            let outcome = try supervisor.run(target, first: first, count: count, seconds: seconds.map { $0 * share })
            print(reportLine(target.name, outcome.inputs, outcome.seconds) + (outcome.isClean ? "" : "   FAILED"))
            (total, all) = (total + outcome.inputs, all + outcome.seconds)
            areClean = areClean && outcome.isClean
        }
        print(reportLine("all", total, all))
        if !areClean { throw ExitCode.failure }
    }

    private func chosen(of suite: Suite) throws -> [any Target.Type] {
        guard let target else { return suite.targets }
        let found = suite.targets.filter { $0.name == target }
        guard !found.isEmpty else {
            let names = suite.targets.map { $0.name }.joined(separator: ", ")
            throw ValidationError("no target '\(target)'; there are \(names)")
        }
        return found
    }

    private func run(file: String, on targets: [any Target.Type]) async throws {
        guard targets.count == 1 else { throw ValidationError("--input needs --target") }
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: file)))
        for target in targets {
            let corpus = try Corpus(of: target.name, in: URL(fileURLWithPath: corpus))
            try await Worker(target: target, corpus: corpus, seed: seed, progress: -1).run(file: bytes)
        }
        print("\(bytes.count) bytes, 256 ways, no failure")
    }
}

/// What the supervisor starts.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "worker", shouldDisplay: false)

    @Argument var target: String
    @Argument var seed: UInt64
    @Argument var first: UInt64
    @Argument var count: UInt64
    @Argument var corpus: String
    @Argument var progress: String
    @Argument var seconds: Double?

    func run() async throws {
        let file = open(progress, O_WRONLY)
        for type in Suite.allCases.flatMap(\.targets) where type.name == target {
            let corpus = try Corpus(of: type.name, in: URL(fileURLWithPath: corpus))
            let worker = Worker(target: type, corpus: corpus, seed: seed, progress: file)
            print(try await worker.run(first: first, count: count, seconds: seconds))
        }
    }
}
