import AVSModel
import AVSPrimitives
import AVSProto
public import AVSRPC
import AVSTransport
import AVSWire
import Logging

/// What happens on the way to the aggregator.
public enum CheckEvent: Hashable, Sendable {
    /// The stream is open. Everything to watch follows, repeated.
    case connected
    case check(OperatorCheck)
    /// The stream is gone and will be opened again after the pause. What is watched stays watched.
    case disconnected(RPCStatus, retryAfter: Duration)
}

/// The messages of one stream, in order. Ends when the aggregator ends the stream in good order.
///
/// What is no message that we know is logged and passed over.
public struct CheckStream: AsyncSequence, Sendable {
    private let messages: ResponseStream<Wire.SyncMessagesResp>
    private let logger: Logger

    init(_ messages: ResponseStream<Wire.SyncMessagesResp>, _ logger: Logger) {
        self.messages = messages
        self.logger = logger
    }

    /// How the stream ended, once all of it was taken; OK where ``AsyncIterator/next()`` has returned nil.
    var ended: RPCStatus { get async throws { try await messages.status } }

    /// Returns once the aggregator has accepted the stream.
    func opened() async throws { _ = try await messages.initialMetadata }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var messages: ResponseStream<Wire.SyncMessagesResp>.AsyncIterator
        fileprivate let logger: Logger

        public mutating func next() async throws -> OperatorCheck? {
            while let message = try await messages.next() {
                do {
                    return try OperatorCheck(message)
                } catch {
                    logger.warning("passing over a message of the aggregator", metadata: ["reason": "\(error)"])
                }
            }
            return nil
        }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(messages: messages.makeAsyncIterator(), logger: logger)
    }
}

extension OperatorClient {
    /// Opens one stream of checks for as long as `body` runs.
    ///
    /// A slow loop slows the aggregator, which ends the stream with RESOURCE_EXHAUSTED in the end.
    /// - Throws: `RPCStatus`, and what `body` throws.
    public nonisolated(nonsending) func withChecks<Result>(
        _ body: nonisolated(nonsending) (CheckStream) async throws -> Result
    ) async throws -> Result {
        let capabilities = configuration.capabilities
        let request = Wire.SyncMessagesReq.with {
            $0.id = configuration.operatorID
            $0.address = credentials.address.checksummed
            $0.monotonicClock = time.now.seconds
            $0.capabilities = .with {
                $0.eventMonitoring = capabilities.events
                $0.blockMonitoring = capabilities.blocks
                $0.timeMonitoring = capabilities.times
            }
        }
        let options = CallOptions(metadata: try authorization())
        return try await channel.serverStreaming(
            Wire.NodeMethods.syncMessages.methodPath, request, request: ProtoCodec<Wire.SyncMessagesReq>(),
            response: ProtoCodec<Wire.SyncMessagesResp>(), options: options
        ) { messages in
            try await body(CheckStream(messages, logger))
        }
    }

    /// Keeps a stream open, opening it again by ``ReconnectPolicy``, until the surrounding task is cancelled.
    ///
    /// - Parameters:
    ///   - random: spreads the pauses.
    ///   - handle: sees every event, one after another; the next message is taken when it returns.
    /// - Throws: `CancellationError`, and what `handle` throws.
    public nonisolated(nonsending) func follow(
        using random: inout some RandomNumberGenerator,
        _ handle: nonisolated(nonsending) (CheckEvent) async throws -> Void
    ) async throws {
        var policy = configuration.reconnect
        while true {
            let start = time.monotonic
            let status = try await followOnce(handle)
            try Task.checkCancellation()
            let lasted = time.monotonic - start
            let pause = policy.pause(
                after: ReconnectPolicy.End(status), advised: RetryAdvice(status.metadata)?.delay, lasted: lasted,
                using: &random)
            try await handle(.disconnected(status, retryAfter: pause))
            try await time.sleep(until: time.monotonic + pause)
        }
    }

    /// One stream from its opening to its end.
    ///
    /// - Returns: how the stream ended.
    /// - Throws: what `handle` throws.
    private nonisolated(nonsending) func followOnce(
        _ handle: nonisolated(nonsending) (CheckEvent) async throws -> Void
    ) async throws -> RPCStatus {
        do {
            try await healthCheck()
            return try await withChecks { checks in
                try await checks.opened()
                try await Self.relaying { try await handle(.connected) }
                for try await check in checks { try await Self.relaying { try await handle(.check(check)) } }
                return try await checks.ended
            }
        } catch let failure as HandlerFailure {
            throw failure.cause
        } catch {
            return RPCStatus(error)
        }
    }

    private nonisolated(nonsending) static func relaying(
        _ body: nonisolated(nonsending) () async throws -> Void
    ) async throws {
        do { try await body() } catch { throw HandlerFailure(cause: error) }
    }
}

/// Tells an error of the handler from one of the call.
private struct HandlerFailure: Error {
    let cause: any Error
}
