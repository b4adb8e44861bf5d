import AVSClient
import AVSModel
import ArgumentParser

/// `avsctl tasks create -f FILE`
struct TasksCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Creates a task from a file and prints its id.",
        discussion: """
            \(TaskFile.help)

            Example:
              avsctl tasks create -f - <<'END'
              {"name": "Heat",
               "trigger": {"id": "start", "name": "start",
                 "manual": {"config": {"lang": "LANG_JSON"}}},
               "nodes": [{"id": "n1", "name": "check",
                 "branch": {"config": {"conditions": [
                   {"id": "hot", "type": "if",
                    "expression": "start.data.degrees > 30"}]}}}],
               "edges": [{"id": "e1", "source": "start", "target": "n1"}]}
              END
            """)

    @OptionGroup var file: TaskFile
    @OptionGroup var repetition: KeyOption
    @OptionGroup var client: ClientOptions

    func run() async throws {
        let request = try file.request()
        try await client.withClient { aggregator, output in
            let task = try await file.task(request, aggregator)
            let id = try await aggregator.createTask(task, idempotencyKey: repetition.key)
            try output.line(client.printer.created(id))
        }
    }
}

/// `avsctl tasks simulate -f FILE`
struct TasksSimulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Runs a task from a file without storing it, and prints its steps.",
        discussion: """
            \(TaskFile.help) No chain is touched. Ends with 1 unless the run succeeded.

            Example:
              avsctl tasks simulate -f heat.json
            """)

    @OptionGroup var file: TaskFile
    @OptionGroup var client: ClientOptions

    func run() async throws {
        let request = try file.request()
        var succeeded = false
        try await client.withClient { aggregator, output in
            let run = try await aggregator.simulateTask(file.task(request, aggregator))
            for line in client.printer.execution(run) { try output.line(line) }
            succeeded = run.status == .success
        }
        guard succeeded else { throw Failure(.failed, "the run did not succeed") }
    }
}
