import AVSClient
import ArgumentParser

/// `avsctl fees`
struct FeesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fees", abstract: "Says what tasks cost.", subcommands: [FeesEstimate.self])
}

struct FeesEstimate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "estimate", abstract: "Estimates what a run of a task from a file would cost.",
        discussion: """
            \(TaskFile.help)

            Example:
              avsctl fees estimate -f heat.json
            """)

    @OptionGroup var file: TaskFile
    @OptionGroup var client: ClientOptions

    func run() async throws {
        let request = try file.request()
        try await client.withClient { aggregator, output in
            let estimate = try await aggregator.estimateFees(for: file.task(request, aggregator))
            for line in client.printer.estimate(estimate) { try output.line(line) }
        }
    }
}
