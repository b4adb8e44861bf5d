import AVSClient
import AVSModel
import ArgumentParser

/// `avsctl executions`
struct ExecutionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "executions", abstract: "Shows the runs of a task.",
        subcommands: [ExecutionsList.self, ExecutionsShow.self, ExecutionsGet.self, ExecutionsStatus.self])
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

struct ExecutionsShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows a run with its steps as a tree.",
        discussion: """
            Each step stands under the one that it waited for last, with its error, its output and what it cost.

            Example:
              avsctl executions show 01jg2fe5mdvkbpheg0peysdkac 01jg2fe5mdvkbpheg0peysdkad
            """)

    @OptionGroup var which: RunArguments
    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { aggregator, output in
            let execution = try await aggregator.getExecution(which.id, of: which.task)
            let edges = try await aggregator.getTask(which.task).edges
            for line in client.printer.tree(execution, edges: edges) { try output.line(line) }
        }
    }
}

struct ExecutionsGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Shows a run with its steps in a table.",
        discussion: "Example:\n  avsctl executions get 01jg2fe5mdvkbpheg0peysdkac 01jg2fe5mdvkbpheg0peysdkad")

    @OptionGroup var which: RunArguments
    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { aggregator, output in
            let execution = try await aggregator.getExecution(which.id, of: which.task)
            for line in client.printer.execution(execution) { try output.line(line) }
        }
    }
}

struct ExecutionsStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Prints how a run stands: pending, success, failed or error.",
        discussion: "Example:\n  avsctl executions status 01jg2fe5mdvkbpheg0peysdkac 01jg2fe5mdvkbpheg0peysdkad")

    @OptionGroup var which: RunArguments
    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { aggregator, output in
            let status = try await aggregator.getExecutionStatus(which.id, of: which.task)
            try output.line(client.printer.status(status, of: which.id))
        }
    }
}

/// Which run is meant: the same for every command that shows one.
struct RunArguments: ParsableArguments {
    @Argument(help: "The task's id.")
    var task: TaskID

    @Argument(help: "The run's id.")
    var id: ExecutionID
}
