public import AVSPrimitives
public import AVSTLS
public import Logging
public import ServiceLifecycle

/// Looks for renewed certificates now and then, and gives them to the connections that come after (TLS-5).
///
///     let contexts = TLSContexts(try load())
///     let reloader = TLSReloader(contexts, every: .seconds(60), time: SystemTime(), logger: logger) { [files] in
///         try files.haveChanged() ? load() : nil
///     }
///     // run it beside the server, in one service group
///
/// What cannot be read or does not fit together is logged and the old certificate stays: half a renewal must not take a
/// server down.
public struct TLSReloader: Service {
    private let contexts: TLSContexts
    private let interval: Duration
    private let time: any TimeSource
    private let logger: Logger
    private let load: @Sendable () throws -> TLSContext?

    /// - Parameters:
    ///   - interval: between two looks; at least a second.
    ///   - load: reads what is there, on the task of ``run()``; nil where nothing has changed.
    public init(
        _ contexts: TLSContexts, every interval: Duration, time: any TimeSource, logger: Logger,
        load: @escaping @Sendable () throws -> TLSContext?
    ) {
        self.contexts = contexts
        self.interval = max(interval, .seconds(1))
        self.time = time
        self.logger = logger
        self.load = load
    }

    /// Looks until the surrounding service group shuts down, or the task is cancelled.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while await sleep() { look() }
        }
    }

    private func sleep() async -> Bool {
        do {
            try await time.sleep(until: time.monotonic + interval)
            return true
        } catch {
            return false  // cancelled
        }
    }

    private func look() {
        do {
            guard let context = try load() else { return }
            contexts.replace(with: context)
            logger.info("certificates were renewed")
        } catch {
            logger.error("renewed certificates cannot be used, the old ones stay", metadata: ["error": "\(error)"])
        }
    }
}
