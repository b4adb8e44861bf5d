import ArgumentParser
import Foundation
import FuzzInputs

#if canImport(Glibc)
    import Glibc
#endif

/// See `tools/fuzz --help`, which builds and calls this.
@main
struct FuzzLive: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuzz-live", subcommands: [TransportCommand.self, WorkerCommand.self])
}

private let liveTargets: [any LiveTarget.Type] = [ServerAttack.self, ChannelAttack.self]

struct TransportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "transport")

    @Option(help: "Inputs over both targets, or for the one of --target.")
    var runs: UInt64 = 100_000

    @Option(help: "At most so many seconds in all.")
    var seconds: Double?

    @Option(help: "Where the random numbers begin.")
    var seed: UInt64 = 1

    @Option(help: "Only this target.")
    var target: String?

    @Option(help: "The number of the first input.")
    var first: UInt64 = 0

    @Option(help: "Connections at a time, each with a thread of its own.")
    var threads = 16

    @Option(help: "The folder of kept inputs.")
    var corpus: String

    @Option(help: "Where what the workers were at is put.")
    var findings: String

    func run() async throws {
        let chosen = liveTargets.filter { target == nil || $0.name == target }
        guard !chosen.isEmpty else {
            let names = liveTargets.map { $0.name }.joined(separator: ", ")
            throw ValidationError("no live target '\(target ?? "")'; there are \(names)")
        }
        var (total, all, areClean) = (UInt64(0), 0.0, true)
        for target in chosen {
            let progress = try ProgressFile(in: URL(fileURLWithPath: findings), places: threads)
            defer { progress.remove() }
            let child = try Child.run(
                [
                    "worker", target.name, "\(seed)", "\(first)", "\(runs / UInt64(chosen.count))", corpus,
                    progress.file.path, "\(threads)",
                ] + (seconds.map { ["\($0 / Double(chosen.count))"] } ?? []))
            let taken = UInt64(child.output.split(separator: "\n").last ?? "") ?? 0
            print(reportLine(target.name, taken, child.seconds) + (child.failure == nil ? "" : "   FAILED"))
            if let failure = child.failure {
                areClean = false
                let numbers = try progress.numbers.map { "\($0)" }.joined(separator: " ")
                say("\(target.name): \(failure) with seed \(seed), its threads being at inputs \(numbers)")
            }
            (total, all) = (total + taken, all + child.seconds)
        }
        print(reportLine("all", total, all))
        if !areClean { throw ExitCode.failure }
    }
}

/// What the command above starts, so that it can say what a process was at that died.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "worker", shouldDisplay: false)

    @Argument var target: String
    @Argument var seed: UInt64
    @Argument var first: UInt64
    @Argument var count: UInt64
    @Argument var corpus: String
    @Argument var progress: String
    @Argument var threads: Int
    @Argument var seconds: Double?

    /// Inputs between a start of what is attacked and its end.
    private static let inputsPerRound: UInt64 = 20_000

    func run() async throws {
        let campaign = Campaign(
            corpora: try Corpora(in: URL(fileURLWithPath: corpus)), seed: seed, threads: threads,
            end: seconds.map { .now + .seconds($0) }, progress: open(progress, O_WRONLY))
        for type in liveTargets where type.name == target {
            try await run(type.init(campaign: campaign), campaign)
        }
    }

    /// The last line on standard output is how many inputs were taken, also if the next one is the end of the process.
    private func run(_ target: some LiveTarget, _ campaign: Campaign) async throws {
        var (number, taken) = (first, UInt64(0))
        // A call's input may not have been sent, so more numbers than inputs may be needed.
        while taken < count, !campaign.isOver {
            let size = min(Self.inputsPerRound, count - taken)
            taken += try await target.round(number..<(number + size))
            number += size
            FileHandle.standardOutput.write(Data("\(taken)\n".utf8))
            say("\(type(of: target).name): \(taken) of \(count)")
        }
    }
}
