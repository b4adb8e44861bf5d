import AVSClient
import AVSModel
import ArgumentParser

/// `avsctl tasks enable ID`
struct TasksEnable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable", abstract: "Lets a disabled task go on.",
        discussion: "Example:\n  avsctl tasks enable 01jg2fe5mdvkbpheg0peysdkac")

    @Argument(help: "The task's id.")
    var id: TaskID

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { aggregator, output in
            let change = try await aggregator.setTaskEnabled(id, true, idempotencyKey: .random())
            try output.line(client.printer.change(change))
        }
    }
}

/// `avsctl tasks disable ID`
struct TasksDisable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable", abstract: "Pauses a task.",
        discussion: "Example:\n  avsctl tasks disable 01jg2fe5mdvkbpheg0peysdkac")

    @Argument(help: "The task's id.")
    var id: TaskID

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { aggregator, output in
            let change = try await aggregator.setTaskEnabled(id, false, idempotencyKey: .random())
            try output.line(client.printer.change(change))
        }
    }
}

/// `avsctl tasks cancel ID`
struct TasksCancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Ends a task for good and keeps its record.",
        discussion: "Example:\n  avsctl tasks cancel 01jg2fe5mdvkbpheg0peysdkac")

    @Argument(help: "The task's id.")
    var id: TaskID

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { aggregator, output in
            let change = try await aggregator.cancelTask(id, idempotencyKey: .random())
            try output.line(client.printer.change(change))
        }
    }
}

/// `avsctl tasks delete ID`
struct TasksDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Removes a task and, later, its history.",
        discussion: "Example:\n  avsctl tasks delete 01jg2fe5mdvkbpheg0peysdkac")

    @Argument(help: "The task's id.")
    var id: TaskID

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { aggregator, output in
            let change = try await aggregator.deleteTask(id, idempotencyKey: .random())
            try output.line(client.printer.change(change))
        }
    }
}
