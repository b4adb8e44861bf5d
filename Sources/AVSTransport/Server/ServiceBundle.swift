import AVSPrimitives
import AVSRPC
import Logging
import NIOCore
import Synchronization

/// What all connections of a server share.
final class ServiceBundle: Sendable {
    let configuration: RPCServer.Configuration
    let methods: MethodTable
    let interceptors: [any ServerInterceptor]
    /// Those of them that stand around handlers; calls are none of their business if this is empty (CH-8).
    let callInterceptors: [any ServerCallInterceptor]
    let time: any TimeSource
    let logger: Logger
    let handlers: RunningHandlers
    let budget: BufferBudget
    let compression = CompressionJobs(limit: System.coreCount / 2)

    init(
        configuration: RPCServer.Configuration, methods: [RPCMethod], interceptors: [any ServerInterceptor],
        time: any TimeSource, logger: Logger
    ) {
        self.configuration = configuration
        self.methods = MethodTable(methods)
        budget = BufferBudget(limitBytes: configuration.maxBufferedBytes, isTight: configuration.tightensBuffers)
        handlers = RunningHandlers(limit: configuration.maxRunningCalls, seatLimit: configuration.maxWaitingCalls)
        self.interceptors = interceptors
        callInterceptors = interceptors.compactMap { $0 as? any ServerCallInterceptor }
        self.time = time
        self.logger = logger
    }

    /// When a reason was last logged, and how often it was not since.
    private let refusals = Mutex<[String: (last: ContinuousClock.Instant, unlogged: Int)]>([:])

    /// One line a second for a reason, whatever comes in (ATT-18).
    func logRefusal(of peer: Peer, _ reason: String) {
        let now = time.monotonic
        let unlogged: Int? = refusals.withLock { refusals in
            if refusals.count > 64 { refusals = [:] }
            if let seen = refusals[reason], seen.last + .seconds(1) > now {
                refusals[reason] = (seen.last, seen.unlogged + 1)
                return nil
            }
            defer { refusals[reason] = (now, 0) }
            return refusals[reason]?.unlogged ?? 0
        }
        guard let unlogged else { return }
        let metadata: Logger.Metadata = ["peer": "\(peer)", "reason": "\(reason)", "unlogged": "\(unlogged)"]
        logger.info("connection refused", metadata: metadata)
    }

    /// The status of what a handler or an interceptor threw. The cause of an unforeseen one goes to the log, here and
    /// nowhere else.
    func status(of error: any Error, in call: CallContext) -> RPCStatus {
        if let status = error as? RPCStatus { return status }
        let status = configuration.statusOfError(error)
        if status.code == .unknown || status.code == .internal {
            logger.error(
                "a call failed",
                metadata: ["method": "\(call.method)", "peer": "\(call.peer)", "error": "\(error)"])
        }
        return status
    }
}
