import AVSClient
import AVSCrypto
import AVSModel
import AVSPrimitives

// What the article on `AVSClient` shows, without the indentation.

func listTasks(of key: SigningKey) async throws {
    // guide-begin
    let client = try AggregatorClient(target: "127.0.0.1:2206", signer: key)
    let wallet = try await client.getWallet().wallet.address
    for try await task in client.tasks(of: [wallet]) { print(task.id, task.name) }
    await client.close()
    // guide-end
}

func createRepeatably(_ task: NewTask, with client: AggregatorClient) async throws -> TaskID {
    // guide-begin
    let id = try await client.createTask(task, idempotencyKey: .random())
    // guide-end
    return id
}

func askQuickly(
    for id: ExecutionID, of task: TaskID, with client: AggregatorClient
) async throws -> ExecutionStatus {
    // guide-begin
    let status = try await client.with { $0.timeout = .seconds(5) }.getExecutionStatus(id, of: task)
    // guide-end
    return status
}

func printWhatCame(to id: TaskID, with client: AggregatorClient) async throws {
    // guide-begin
    let list = client.executions(of: id)
    let newest = try await list.page()
    guard let known = newest.startCursor else { return }
    for try await run in list.backwards(from: known).prefetching() { print(run.index, run.status) }
    // guide-end
}

struct TryLater: Error {
    var pause: Duration

    init(after pause: Duration) { self.pause = pause }
}

func findTask(_ id: TaskID, with client: AggregatorClient) async throws -> AutomationTask? {
    // guide-begin
    do throws(AggregatorError) {
        return try await client.getTask(id)
    } catch {
        switch error {
        case .notFound: return nil
        case .limit(let limit, _): throw TryLater(after: limit.retryAfter ?? .seconds(60))
        default: throw error
        }
    }
    // guide-end
}
