import AVSEthereum
import AVSFetch
import AVSPrimitives
import AVSRPC
import AVSTransport
import Logging
import Synchronization

/// Says when a chain has a new head: by subscription where there is one, else by asking.
final class HeadWatcher: Sendable {
    enum Event: Sendable {
        case head(HeadAnnouncement)
        case subscribed(Bool)
        /// Why the chain cannot be asked; nil when it can again.
        case problem(ChainError?)
    }

    private struct State {
        var newest: UInt64 = 0
        var heardAt: ContinuousClock.Instant
        /// Present while a subscription stands.
        var connection: WebSocketConnection?
    }

    private let client: any ChainClient
    private let configuration: ChainFeed.Configuration
    private let time: any TimeSource
    private let logger: Logger
    private let report: @Sendable (Event) -> Void
    private let state: Mutex<State>

    /// How long a WebSocket server may take to confirm a subscription.
    private static let answerTimeout = Duration.seconds(10)
    /// Longest pause between attempts to subscribe (aggregator api, 6.14), and to ask a chain that does not answer.
    private static let longestPause = Duration.seconds(15)

    init(
        client: any ChainClient, configuration: ChainFeed.Configuration, time: any TimeSource, logger: Logger,
        report: @escaping @Sendable (Event) -> Void
    ) {
        self.client = client
        self.configuration = configuration
        self.time = time
        self.logger = logger
        self.report = report
        state = Mutex(State(heardAt: time.monotonic))
    }

    /// Runs until the task is cancelled.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.poll() }
            if let text = configuration.webSocketURL {
                if let url = WebSocketURL(text) {
                    group.addTask { try await self.subscribeForever(to: url) }
                } else {
                    logger.error("ws_url is no WebSocket URL; new blocks are polled for")
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func heard(_ head: HeadAnnouncement) {
        state.withLock { state in
            state.newest = max(state.newest, head.number)
            state.heardAt = time.monotonic
        }
        report(.head(head))
    }

    // MARK: Asking

    private func poll() async throws {
        var backoff = Backoff(first: configuration.pollInterval, longest: Self.longestPause)
        var random = SystemRandomNumberGenerator()
        var isThere = try await ask()
        while true {
            if isThere { backoff.reset() }
            let pause = isThere ? configuration.pollInterval : backoff.next(using: &random)
            try await time.sleep(until: time.monotonic + pause)
            let (quiet, isSubscribed) = state.withLock { (time.monotonic - $0.heardAt, $0.connection != nil) }
            guard quiet >= (isSubscribed ? configuration.stallTimeout : configuration.pollInterval) else { continue }
            isThere = try await ask()
        }
    }

    /// Asks for the newest number. If it is one that the subscription should have told, the subscription is given up.
    ///
    /// - Returns: whether the chain answered.
    @discardableResult
    private func ask() async throws -> Bool {
        let number: UInt64
        do {
            number = try await client.blockNumber()
        } catch .cancelled {
            throw CancellationError()
        } catch {
            report(.problem(error))
            return false
        }
        let silent = state.withLock { state -> WebSocketConnection? in
            let isStalled = time.monotonic - state.heardAt >= configuration.stallTimeout && number > state.newest
            return isStalled ? state.connection : nil
        }
        heard(HeadAnnouncement(number: number))
        if let silent {
            logger.warning(
                "subscription to new blocks is silent; subscribing anew", metadata: ["chain": "\(client.chainID)"])
            await silent.close()
        }
        return true
    }

    // MARK: Subscribing

    private func subscribeForever(to url: WebSocketURL) async throws {
        var backoff = Backoff(longest: Self.longestPause)
        var random = SystemRandomNumberGenerator()
        while true {
            do {
                try await subscribe(to: url) { backoff.reset() }
            } catch let error as CancellationError {
                throw error
            } catch {
                try Task.checkCancellation()
                logger.notice(
                    "no subscription to new blocks", metadata: ["chain": "\(client.chainID)", "error": "\(error)"])
            }
            // Whatever was missed in between is found now, and at the next success once more.
            try await ask()
            try await time.sleep(until: time.monotonic + backoff.next(using: &random))
        }
    }

    private enum SubscriptionError: Error {
        case wrongChain(String)
        case refused(JSONRPC.ErrorObject)
        case noAnswer
        case ended
    }

    /// Returns or throws when the subscription ends.
    private func subscribe(to url: WebSocketURL, confirmed: () -> Void) async throws {
        var settings = WebSocketConnection.Configuration()
        settings.headers = configuration.webSocketHeaders.map { (name: $0.name, value: $0.value) }
        settings.messageLimitBytes = 1 << 20
        let connection = try await WebSocketConnection.connect(to: url, configuration: settings)
        let subscription: String
        do {
            subscription = try await confirm(on: connection)
        } catch {
            await connection.close()
            throw error
        }
        confirmed()
        state.withLock { $0.connection = connection }
        report(.subscribed(true))
        defer {
            state.withLock { $0.connection = nil }
            report(.subscribed(false))
        }
        try await ask()
        for try await message in connection.messages {
            guard case .notification(subscription, let header)? = try JSONRPC.message(parsing: message.bytes) else {
                continue
            }
            if let block = Block(json: header) { heard(HeadAnnouncement(number: block.number, header: block)) }
        }
        throw SubscriptionError.ended
    }

    /// Checks the chain and subscribes; the subscription's id.
    private func confirm(on connection: WebSocketConnection) async throws -> String {
        try await withThrowingTaskGroup(of: String.self) { group in
            group.addTask {
                let chain = try await self.call(1, "eth_chainId", [], on: connection)
                guard chain.quantity?.uint64 == self.client.chainID else {
                    throw SubscriptionError.wrongChain(String(chain.serialized.prefix(100)))
                }
                let answer = try await self.call(2, "eth_subscribe", ["newHeads"], on: connection)
                guard let id = answer.stringValue else { throw SubscriptionError.noAnswer }
                return id
            }
            group.addTask {
                try await self.time.sleep(until: self.time.monotonic + Self.answerTimeout)
                throw SubscriptionError.noAnswer
            }
            defer { group.cancelAll() }
            guard let id = try await group.next() else { throw SubscriptionError.noAnswer }
            return id
        }
    }

    private func call(
        _ id: UInt64, _ method: String, _ parameters: [JSONValue], on connection: WebSocketConnection
    ) async throws -> JSONValue {
        let request = JSONRPC.Request(id: id, method: method, parameters: parameters)
        try await connection.send(String(decoding: request.body, as: UTF8.self))
        while let message = try await connection.receive() {
            switch try JSONRPC.message(parsing: message.bytes) {
            case .response(id: id, let result): return try result.get()
            case .unassignedError(let error): throw SubscriptionError.refused(error)
            case .response, .notification, nil: continue
            }
        }
        throw SubscriptionError.ended
    }
}
