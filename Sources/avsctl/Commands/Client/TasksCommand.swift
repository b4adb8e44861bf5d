import AVSClient
import AVSModel
import AVSPrimitives
import ArgumentParser

/// `avsctl tasks`
struct TasksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tasks", abstract: "Creates, shows, runs and ends tasks.",
        subcommands: [
            TasksList.self, TasksGet.self, TasksCreate.self, TasksSimulate.self, TasksTrigger.self, TasksEnable.self,
            TasksDisable.self, TasksCancel.self, TasksDelete.self,
        ])
}

struct TasksList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists tasks, newest first: id, status, trigger, runs, name.",
        discussion: "Example:\n  avsctl tasks list --limit 5 --json")

    @Option(name: .long, help: ArgumentHelp("Of this wallet; may be repeated. Else of all.", valueName: "address"))
    var wallet: [Address] = []

    @OptionGroup var list: ListOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { aggregator, output in
            let wallets = wallet.isEmpty ? try await aggregator.listWallets().map(\.address) : wallet
            guard !wallets.isEmpty else { return Note.write("there are no wallets, so there are no tasks") }
            let listing = aggregator.tasks(of: wallets, pageSize: list.pageSize)
            try await list.print(listing, client.printer.tasks, "tasks", to: &output)
        }
    }
}

struct TasksGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Shows a task with its trigger and nodes.",
        discussion: "Example:\n  avsctl tasks get 01jg2fe5mdvkbpheg0peysdkac")

    @Argument(help: "The task's id.")
    var id: TaskID

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { aggregator, output in
            for line in client.printer.task(try await aggregator.getTask(id)) { try output.line(line) }
        }
    }
}

struct TasksTrigger: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trigger", abstract: "Runs a task now.",
        discussion: """
            Prints the run's id and how it stands. With --wait it waits for the end, prints the steps, and ends with 1 \
            unless the run succeeded.

            Example:
              avsctl tasks trigger 01jg2fe5mdvkbpheg0peysdkac --data '{"degrees": 35}' --wait
            """)

    @Argument(help: "The task's id.")
    var id: TaskID

    @Option(name: .long, help: ArgumentHelp("What the trigger produced, as JSON.", valueName: "json"))
    var data: String?

    @Option(name: .long, help: ArgumentHelp("Input variables for this run, a JSON object.", valueName: "json"))
    var input: String?

    @Flag(name: .long, help: "Wait for the end of the run, up to two minutes.")
    var wait = false

    @OptionGroup var repetition: KeyOption
    @OptionGroup var client: ClientOptions

    func validate() throws {
        _ = try Self.json(data, "--data")
        _ = try variables()
    }

    func run() async throws {
        let (data, input) = (try Self.json(data, "--data"), try variables())
        var failed = false
        try await client.withClient { aggregator, output in
            let kind = try await aggregator.getTask(id).trigger.kind
            let run = try await aggregator.triggerTask(
                id, kind: kind, data: data, input: input, isBlocking: wait, idempotencyKey: repetition.key)
            for line in client.printer.run(run) { try output.line(line) }
            failed = wait && run.status != .success
        }
        if failed { throw Failure(.failed, "the run did not succeed") }
    }

    private func variables() throws -> [String: JSONValue] {
        guard let json = try Self.json(input, "--input") else { return [:] }
        guard case .object(let members) = json else { throw ValidationError("--input: wanted a JSON object.") }
        return members
    }

    private static func json(_ text: String?, _ name: String) throws -> JSONValue? {
        do { return try text.map { try JSONValue(parsing: $0) } } catch { throw ValidationError("\(name): \(error).") }
    }
}
