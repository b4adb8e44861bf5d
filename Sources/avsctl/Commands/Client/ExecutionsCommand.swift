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
        commandName: "list", abstract: "Lists finished runs, newest first: id, status, number, start, time, error.",
        discussion: "Example:\n  avsctl executions list 01jg2fe5mdvkbpheg0peysdkac --limit 5")

    @Argument(help: "The task's id.")
    var task: TaskID

    @OptionGroup var list: ListOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { aggregator, output in
            let listing = aggregator.executions(of: task, pageSize: list.pageSize)
            try await list.print(listing, client.printer.executions, "finished runs", to: &output)
        }
    }
}

struct ExecutionsGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Shows a run with its steps.",
        discussion: "Example:\n  avsctl executions get 01jg2fe5mdvkbpheg0peysdkac 01jg2fe5mdvkbpheg0peysdkad",
        aliases: ["show"])

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
