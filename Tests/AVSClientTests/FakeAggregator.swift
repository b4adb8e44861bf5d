import AVSClient
import AVSCrypto
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSTransport
import AVSWire
import Logging
import Synchronization
import Testing

/// A server on a free loopback port that gives the answers of a test, and a client of it, for as long as `body` runs.
func withAggregator<Result>(
    _ methods: [RPCMethod], session: Session? = nil, signer: (any SignInSigner)? = nil,
    time: any TimeSource = SystemTime(),
    configure: (inout AggregatorClient.Configuration) -> Void = { _ in },
    _ body: (AggregatorClient) async throws -> Result
) async throws -> Result {
    var server = RPCServer.Configuration(listeners: [.init(.tcp(host: "127.0.0.1", port: 0))])
    server.drainTimeout = .seconds(5)
    let running = RPCServer(
        configuration: server, methods: methods, interceptors: [], time: SystemTime(),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await running.run() }
        var configuration = AggregatorClient.Configuration()
        configure(&configuration)
        let client = try AggregatorClient(
            target: "127.0.0.1:\(await running.boundPort)", configuration: configuration, session: session,
            signer: signer, time: time)
        let result: Result
        do {
            result = try await body(client)
        } catch {
            await client.close()
            group.cancelAll()
            throw error
        }
        await client.close()
        running.beginDrain()
        try await group.waitForAll()
        return result
    }
}

/// What a fake saw, in order.
final class Seen<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])

    /// - Returns: how many there are now.
    @discardableResult
    func append(_ value: Value) -> Int {
        values.withLock {
            $0.append(value)
            return $0.count
        }
    }

    var all: [Value] { values.withLock { $0 } }
}

/// Constant values of the tests.
enum Known {
    static let wallet = "0x1111111111111111111111111111111111111111"
    static let task = "01jg2fe5mdvkbpheg0peysdkac"
    static let execution = "01jg2fe5mdvkbpheg0peysdkad"

    static var taskID: TaskID { get throws { try #require(TaskID(task)) } }
    static var executionID: ExecutionID { get throws { try #require(ExecutionID(execution)) } }
    static var walletAddress: Address { get throws { try #require(Address(wallet)) } }

    static func key() throws -> SigningKey { try SigningKey(bytes: Array(repeating: 7, count: 32)) }

    /// A token as aggregators make them, for the owner of ``key()``.
    static func token(chain: String = "31337") throws -> String {
        let jwt = try JWT(secret: SharedSecret(try SecretBytes(copying: Array(repeating: 1, count: 32))))
        return try jwt.sign(
            JWTClaims(
                issuer: "AvaProtocol", subject: try key().address.checksummed, audience: [chain],
                expiresAt: 1_900_000_000))
    }

    static func session() throws -> Session { try Session(token: token()) }

    static func signInText(of wallet: Address) -> String {
        """
        Please sign the below text for ownership verification.

        URI: https://app.avaprotocol.org
        Chain ID: 31337
        Version: 1.9.6
        Issued At: 2026-04-13T09:30:00.000Z
        Expire At: 2026-04-15T09:30:00.000Z
        Wallet: \(wallet.checksummed)
        """
    }

    /// A stored task as the aggregator shows it.
    static func wireTask(_ id: String = task, settings: JSONValue = ["name": "n"]) throws -> Wire.Task {
        var wire = Wire.Task.with {
            $0.id = id
            $0.owner = wallet
            $0.smartWalletAddress = wallet
            $0.name = "Heat"
            $0.inputVariables = ["settings": settings]
        }
        wire.trigger = Wire.TaskTrigger(
            Trigger(id: "start", name: "start", config: .cron(CronTrigger(schedules: ["@hourly"]))))
        return wire
    }
}

/// A failed call's status with the domain's number where aggregators put it (D-9).
func failure(_ code: RPCCode, _ message: String, _ number: ErrorCode) throws -> RPCStatus {
    var status = RPCStatus(code, message)
    try status.metadata.add("x-ap-error-code", "\(number.rawValue)")
    return status
}

extension AggregatorError {
    var limit: Limit? { if case .limit(let limit, _) = self { limit } else { nil } }
    var field: String? { if case .invalidArgument(let field, _) = self { field } else { nil } }
    /// `notFound`
    var caseName: String { Mirror(reflecting: self).children.first?.label ?? "" }
}
