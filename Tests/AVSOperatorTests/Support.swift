import AVSCrypto
import AVSModel
import AVSOperator
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSTesting
import AVSTransport
import AVSWire
import Logging
import Synchronization

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Values that tests start from.
enum Sample {
    static let now = Timestamp(milliseconds: 1_900_000_000_000)
    static let transaction = Hash32(bytes: [UInt8](repeating: 7, count: 32)) ?? .zero

    static func key() throws -> SigningKey { try SigningKey(bytes: [UInt8](repeating: 0, count: 31) + [1]) }

    static func credentials() throws -> OperatorCredentials {
        let key = try key()
        return OperatorCredentials(address: key.address, key: key)
    }

    static func id(_ number: UInt64) -> TaskID {
        TaskID(ULID(value: UInt128(now.milliseconds) << 80 | UInt128(number)))
    }

    static func check(_ config: Trigger.Config, _ number: UInt64 = 1) -> TaskCheck {
        TaskCheck(taskID: id(number), trigger: Trigger(id: "t", name: "trigger", config: config), chainID: 31_337)
    }

    static func fired(_ number: UInt64 = 1) throws -> TriggerFired {
        .time(id(number), kind: .cron, at: now, reporter: try key().address)
    }
}

/// An aggregator that answers as a test tells it to, one answer after another; the last one stays.
final class FakeAggregator: Sendable {
    typealias Stream = @Sendable (ResponseWriter<Wire.SyncMessagesResp>) async throws -> Void
    typealias Notify = @Sendable (Wire.NotifyTriggersReq, CallContext) async throws -> Wire.NotifyTriggersResp

    private struct State {
        var streams: [Stream] = []
        var notifies: [Notify] = []
        var requests: [any ProtoMessage] = []
        var authorizations: [String] = []
    }

    private let state = Mutex(State())

    init(streams: [Stream] = [], notifies: [Notify] = []) {
        state.withLock { ($0.streams, $0.notifies) = (streams, notifies) }
    }

    func requests<Message: ProtoMessage>(_ type: Message.Type) -> [Message] {
        state.withLock { $0.requests.compactMap { $0 as? Message } }
    }

    var authorizations: [String] { state.withLock { $0.authorizations } }

    private func note(_ request: some ProtoMessage, _ call: CallContext) {
        state.withLock { state in
            state.requests.append(request)
            state.authorizations.append(call.metadata["authorization"] ?? "")
        }
    }

    var methods: [RPCMethod] {
        [
            .unary(Wire.NodeMethods.healthCheck) { request, call in
                self.note(request, call)
                return .with { $0.timestamp = UInt64(Sample.now.milliseconds) }
            },
            .unary(Wire.NodeMethods.ping) { request, call in
                self.note(request, call)
                return .with { $0.updatedAt = .with { $0.seconds = Sample.now.seconds + 40 } }
            },
            .serverStreaming(Wire.NodeMethods.syncMessages) { request, call, writer in
                self.note(request, call)
                let script = self.state.withLock { $0.streams.count > 1 ? $0.streams.removeFirst() : $0.streams.first }
                try await script?(writer)
            },
            .unary(Wire.NodeMethods.notifyTriggers) { request, call in
                self.note(request, call)
                let script = self.state.withLock {
                    $0.notifies.count > 1 ? $0.notifies.removeFirst() : $0.notifies.first
                }
                guard let script else { return .init() }
                return try await script(request, call)
            },
            .unary(Wire.NodeMethods.reportEventOverload) { request, call in
                self.note(request, call)
                return .with {
                    $0.taskCancelled = true
                    $0.message = "Task disabled due to event overload"
                }
            },
        ]
    }
}

/// The aggregator on a free loopback port and a client of it, for as long as `body` runs. The client's pauses follow
/// `time`, its sockets real time.
func withClient(
    _ aggregator: FakeAggregator, time: any TimeSource = ManualTime(now: Sample.now),
    configure: (inout OperatorClient.Configuration) -> Void = { _ in },
    _ body: (OperatorClient) async throws -> Void
) async throws {
    let server = RPCServer(
        configuration: .init(), methods: aggregator.methods, time: SystemTime(), logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        let channel = try RPCChannel(
            target: "127.0.0.1:\(await server.boundPort)", time: SystemTime(), logger: quiet)
        var configuration = OperatorClient.Configuration()
        configure(&configuration)
        let client = OperatorClient(
            channel: channel, credentials: try Sample.credentials(), configuration: configuration, time: time,
            logger: quiet)
        do {
            try await body(client)
        } catch {
            await client.close()
            group.cancelAll()
            throw error
        }
        await client.close()
        group.cancelAll()
    }
}

/// A clock that a sleeper moves to where it wants to be.
struct HastyTime: TimeSource {
    private let time = ManualTime(now: Sample.now)
    var now: Timestamp { time.now }
    var monotonic: ContinuousClock.Instant { time.monotonic }

    func sleep(until deadline: ContinuousClock.Instant) async throws {
        try Task.checkCancellation()
        time.advance(by: max(.zero, deadline - time.monotonic))
    }
}

/// What came, in order.
final class Recorder<Item: Sendable>: Sendable {
    private let state = Mutex<[Item]>([])
    var items: [Item] { state.withLock { $0 } }

    /// - Returns: how many there are now.
    func append(_ item: Item) -> Int {
        state.withLock { items in
            items.append(item)
            return items.count
        }
    }
}
