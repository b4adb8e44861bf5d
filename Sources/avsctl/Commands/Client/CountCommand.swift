import AVSClient
import AVSModel
import AVSPrimitives
import ArgumentParser

/// `avsctl count`
struct CountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "count", abstract: "Counts tasks and their runs, and says how the runs of some days went.",
        discussion: "Example:\n  avsctl count --days 30")

    @Option(
        name: .long, help: ArgumentHelp("Tasks of this wallet; may be repeated. Else of all.", valueName: "address"))
    var wallet: [Address] = []

    @Option(name: .long, help: ArgumentHelp("Runs of this task; may be repeated. Else of all.", valueName: "id"))
    var task: [TaskID] = []

    @Option(name: .long, help: "How far back to look at how runs went.")
    var days = 7

    @OptionGroup var client: ClientOptions

    func validate() throws {
        guard (1...36_500).contains(days) else {
            throw ValidationError("--days \(days) is not allowed: wanted 1 to 36,500.")
        }
    }

    func run() async throws {
        let (wallets, tasks) = (wallet.isEmpty ? nil : wallet, task.isEmpty ? nil : task)
        try await client.withClient { aggregator, output in
            async let count = aggregator.getWorkflowCount(of: wallets)
            async let executions = aggregator.getExecutionCount(of: tasks)
            async let totals = aggregator.getExecutionStats(of: tasks, days: days)
            let lines = client.printer.counts(
                tasks: try await count, executions: try await executions, try await totals, days: days)
            for line in lines { try output.line(line) }
        }
    }
}
