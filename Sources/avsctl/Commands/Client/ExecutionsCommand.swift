import AVSClient
import AVSModel
import ArgumentParser

/// `avsctl executions`
struct ExecutionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "executions", abstract: "Shows the runs of a task.",
        subcommands: [ExecutionsList.self, ExecutionsGet.self, ExecutionsStatus.self])
}

struct ExecutionsList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists finished runs, newest first: id, status, number, start, error.",
        discussion: "Example:\n  avsctl executions list 01jg2fe5mdvkbpheg0peysdkac --limit 5")

    @Argument(help: "The task's id.")
    var task: TaskID

    @Option(name: .long, help: "How many.")
    var limit = 50

    @OptionGroup var client: ClientOptions

    func validate() throws {
        guard (1...1_000_000).contains(limit) else {
            throw ValidationError("--limit \(limit) is not allowed: wanted 1 to 1,000,000.")
        }
    }

    func run() async throws {
        try await client.withClient { aggregator, output in
            var left = limit
            for try await execution in aggregator.executions(of: task, pageSize: min(limit, 100)) {
                guard left > 0 else { return Note.write("there are more: --limit \(limit * 2)") }
                left -= 1
                try output.line(client.printer.row(execution))
            }
        }
    }
}

struct ExecutionsGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Shows a run with its steps.",
        discussion: "Example:\n  avsctl executions get 01jg2fe5mdvkbpheg0peysdkac 01jg2fe5mdvkbpheg0peysdkad")

    @Argument(help: "The task's id.")
    var task: TaskID

    @Argument(help: "The run's id.")
    var id: ExecutionID

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { aggregator, output in
            let execution = try await aggregator.getExecution(id, of: task)
            for line in client.printer.execution(execution) { try output.line(line) }
        }
    }
}

struct ExecutionsStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Prints how a run stands: pending, success, failed or error.",
        discussion: "Example:\n  avsctl executions status 01jg2fe5mdvkbpheg0peysdkac 01jg2fe5mdvkbpheg0peysdkad")

    @Argument(help: "The task's id.")
    var task: TaskID

    @Argument(help: "The run's id.")
    var id: ExecutionID

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { aggregator, output in
            try output.line(client.printer.status(try await aggregator.getExecutionStatus(id, of: task), of: id))
        }
    }
}
