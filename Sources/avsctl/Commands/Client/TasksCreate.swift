import AVSClient
import AVSModel
import AVSPrimitives
import AVSProto
import AVSWire
import ArgumentParser

/// `avsctl tasks create -f FILE`
struct TasksCreate: AsyncParsableCommand {
    /// A request is at most 4 MiB, and JSON needs more room than protobuf.
    static let fileLimitBytes = 16 << 20

    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Creates a task from a file and prints its id.",
        discussion: """
            The file is the JSON of the message CreateTaskReq. Without a wallet in inputVariables.settings.runner \
            it is the default one. What `tasks get --json` prints shows the names of all fields.

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

    @Option(name: .shortAndLong, help: ArgumentHelp("The task; - is standard input.", valueName: "file"))
    var file: String

    @OptionGroup var client: ClientOptions

    func run() async throws {
        let request = try request()
        try await client.withClient { aggregator, output in
            let settings = request.inputVariables["settings"]
            let wallet = settings?["runner"]?.stringValue ?? request.smartWalletAddress
            let runner = wallet.isEmpty ? try await aggregator.getWallet().wallet.address : try address(wallet)
            let id = try await aggregator.createTask(task(request, settings, runner))
            try output.line(client.printer.created(id))
        }
    }

    private func request() throws -> Wire.CreateTaskReq {
        let bytes = try LocalFile.read(file, limitBytes: Self.fileLimitBytes)
        do {
            return try ProtoJSON.message(Wire.CreateTaskReq.self, from: JSONValue(parsing: bytes))
        } catch {
            throw Failure(.usage, "\(file): \(error)")
        }
    }

    private func address(_ text: String) throws -> Address {
        guard let address = Address(text) else { throw Failure(.usage, "\(file): wallet '\(text)' is no address") }
        return address
    }

    private func task(_ request: Wire.CreateTaskReq, _ settings: JSONValue?, _ wallet: Address) throws -> NewTask {
        do {
            guard let trigger = request.trigger else {
                throw InvalidArgument(.invalidTriggerConfig, "a trigger is missing")
            }
            return NewTask(
                name: settings?["name"]?.stringValue ?? request.name, wallet: wallet, trigger: try Trigger(trigger),
                nodes: try request.nodes.map { try Node($0) }, edges: request.edges.map { Edge($0) },
                inputVariables: request.inputVariables, startAt: Timestamp(wire: request.startAt),
                expiredAt: Timestamp(wire: request.expiredAt), maxExecution: request.maxExecution)
        } catch let error as InvalidArgument {
            throw Failure(.usage, "\(file): \(error)")
        }
    }
}
