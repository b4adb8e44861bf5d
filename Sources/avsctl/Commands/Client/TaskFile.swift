import AVSClient
import AVSModel
import AVSPrimitives
import AVSProto
import AVSWire
import ArgumentParser

/// A task that is described by a file: for making it, for trying it out, for asking its price.
struct TaskFile: ParsableArguments {
    /// A request is at most 4 MiB, and JSON needs more room than protobuf.
    static let limitBytes = 16 << 20

    static let help = """
        The file is the JSON of the message CreateTaskReq. Without a wallet in inputVariables.settings.runner it is \
        the default one. What `tasks get --json` prints shows the names of all fields.
        """

    @Option(name: .shortAndLong, help: ArgumentHelp("The task; - is standard input.", valueName: "file"))
    var file: String

    /// What the file says, before anything is called.
    func request() throws -> Wire.CreateTaskReq {
        let bytes = try LocalFile.read(file, limitBytes: Self.limitBytes)
        do {
            return try ProtoJSON.message(Wire.CreateTaskReq.self, from: JSONValue(parsing: bytes))
        } catch {
            throw Failure(.usage, "\(file): \(error)")
        }
    }

    /// The task, for the caller's default wallet if it names none.
    func task(_ request: Wire.CreateTaskReq, _ aggregator: AggregatorClient) async throws -> NewTask {
        let settings = request.inputVariables["settings"]
        let text = settings?["runner"]?.stringValue ?? request.smartWalletAddress
        let wallet = text.isEmpty ? try await aggregator.getWallet().wallet.address : try address(text)
        do {
            guard let trigger = request.trigger else {
                throw InvalidArgument(.invalidTriggerConfig, "a trigger is missing")
            }
            return NewTask(
                name: settings?["name"]?.stringValue ?? request.name, wallet: wallet, trigger: try Trigger(trigger),
                nodes: try request.nodes.map { try Node($0) }, edges: request.edges.map { Edge($0) },
                inputVariables: request.inputVariables, startAt: Timestamp(wire: request.startAt),
                expiredAt: Timestamp(wire: request.expiredAt), maxExecution: request.maxExecution,
                executionDeadline: Duration?(wireSeconds: request.executionDeadlineSeconds))
        } catch let error as InvalidArgument {
            throw Failure(.usage, "\(file): \(error)")
        }
    }

    private func address(_ text: String) throws -> Address {
        guard let address = Address(text) else { throw Failure(.usage, "\(file): wallet '\(text)' is no address") }
        return address
    }
}

/// Makes a change repeatable by hand; without it the command repeats by itself what it does not get an answer to.
struct KeyOption: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Made once under this key, however often the command is given in a day.", valueName: "text"))
    var idempotencyKey: IdempotencyKey?

    var key: IdempotencyKey { idempotencyKey ?? .random() }
}
