public import AVSEngine
import AVSModel
public import AVSPrimitives
import AVSProto
import AVSRPC
public import AVSTransport
public import AVSWorkflow
public import Logging
public import ServiceLifecycle

/// The running service: its listener, its worker, its sweeper.
///
/// Graceful shutdown by OVL-12: health turns NOT_SERVING, operator streams end with OK, connections drain, no further
/// run is claimed, runs in progress get ``Settings/runDrainTimeout``, then the outbox stops; what is left goes on at
/// the next start. The store is its owner's to close afterwards.
public final class Aggregator: Service {
    /// What does not belong to the engine.
    public struct Settings: Sendable {
        public var rpc: RPCServer.Configuration
        public var operators: OperatorAuthentication
        /// Which keys sign for operators besides their own; `nil` is none.
        public var aliases: OperatorAliases?
        /// Whether a cancelled task is shown as disabled (D-3).
        public var showsCanceledAsDisabled = true
        /// Reflection for tools such as grpcurl (RF-5).
        public var offersReflection = true
        /// What makes backups, for administrators and the metrics; `nil` is nothing.
        public var backups: (any BackupKeeping)?
        /// What the workers that run scripts do, for the metrics; `nil` is none.
        public var scripts: (@Sendable () -> ScriptMetrics)?
        /// The listener of `aggregator.Admin`; `nil` has none.
        public var admin: RPCServer.Configuration?
        /// Of a new API key that asks for none, and the most that one gets.
        public var apiKeyLifetime = Duration.seconds(90 * 86_400)
        /// Where the side endpoint for people and probes listens; `nil` is nowhere.
        public var http: SideEndpoint.Address?
        public var runDrainTimeout = Duration.seconds(30)
        /// What callers may ask for (reliability-security 4.2).
        public var limits = CallLimits()
        /// How large one task may be.
        public var taskLimits = TaskValidator.Limits()
        /// Threads that serve connections; `nil` is as many as there are processors.
        public var eventLoops: Int?
        /// A step of the wall clock beyond it is logged (TIM-5).
        public var clockTolerance = Duration.seconds(1)
        /// Says what is refused when memory is short (OVL-9); its owner runs it. `nil` refuses nothing for that.
        public var memory: MemoryWatch?

        public init(rpc: RPCServer.Configuration, operators: OperatorAuthentication = OperatorAuthentication()) {
            self.rpc = rpc
            self.operators = operators
        }
    }

    private enum Part: Sendable { case listener, admin, worker, sweeper, outbox, secrets, keys, clock, timer, http }

    private let engine: TaskEngine
    private let settings: Settings
    private let server: RPCServer
    private let admin: AdminListener?
    private let health = HealthBoard()
    private let time: any TimeSource
    private let logger: Logger

    /// - Throws: when the reflection data cannot be read, which would be a mistake of the build.
    public init(
        engine: TaskEngine, authority: TokenAuthority, settings: Settings, time: any TimeSource, logger: Logger
    ) throws {
        self.engine = engine
        self.settings = settings
        self.time = time
        self.logger = logger
        let reflection = settings.offersReflection ? try ReflectionIndex(files: AdminListener.filesForUsers) : nil
        var authority = authority
        authority.keys = engine.apiKeys
        let anonymous = Services.anonymousPaths(health, reflection)
        let gate = CallGate(settings.limits, anonymous: anonymous, memory: settings.memory, time: time)
        let services = Services(
            engine: engine, authority: authority, operators: settings.operators, aliases: settings.aliases, gate: gate,
            showsCanceledAsDisabled: settings.showsCanceledAsDisabled, taskLimits: settings.taskLimits, health: health,
            reflection: reflection, time: time, logger: logger)
        var configuration = settings.rpc
        let statusOfError: @Sendable (any Error) -> RPCStatus = { error in
            let status = RPCStatus(answering: error)
            // The caller is told nothing of it, so the log has to say it (LOG-4).
            if status.code == .internal { logger.error("a call failed", metadata: ["error": "\(error)"]) }
            return status
        }
        configuration.statusOfError = statusOfError
        if let memory = settings.memory {
            configuration.connectionRefusal = { memory.connectionRefusal }
            configuration.tightensBuffers = { memory.pressure >= .severe }
        }
        let authenticator = Authenticator(
            authority: authority, operators: settings.operators, anonymous: anonymous, gate: gate, time: time)
        server = RPCServer(
            configuration: configuration, methods: services.methods, interceptors: [authenticator, gate], time: time,
            logger: logger, threadCount: settings.eventLoops)
        admin = try settings.admin.map { [authority] place in
            var place = place
            place.statusOfError = statusOfError
            let handlers = AdminHandlers(
                engine: engine, authority: authority, backups: settings.backups, keyLifetime: settings.apiKeyLifetime,
                time: time, logger: logger)
            return try AdminListener(
                place, handlers: handlers, authority: authority, gate: gate, time: time, logger: logger)
        }
    }

    /// The port of the listener, once it listens.
    public var boundPort: Int { get async throws { try await server.boundPort } }

    /// The port of the listener of `aggregator.Admin`, once it listens; `nil` without one.
    public var boundAdminPort: Int? { get async throws { try await admin?.server.boundPort } }

    /// Starts the graceful end.
    public func beginDrain() { server.beginDrain() }

    /// Recovers, listens and serves until told to stop.
    ///
    /// - Throws: when an address cannot be bound or the store cannot be read.
    public func run() async throws {
        // Before the first call: a service that has a key never says that it has none.
        try engine.secrets.loadKeys()
        // And none that was revoked is taken.
        try engine.apiKeys.load()
        let found = try await engine.executions.recover()
        logger.info("recovered", metadata: [
            "repaired": "\(found.repaired)", "interrupted": "\(found.interrupted)", "waiting": "\(found.waiting)",
        ])
        server.onDrainBegin { [health, engine, admin] in
            health.shutDown()
            admin?.server.beginDrain()
            Task { await engine.operators.close() }  // ends at once: it only closes the outboxes
        }
        for service in ["", "aggregator.Aggregator", "aggregator.Node"] { health.set(.serving, for: service) }
        try await withThrowingTaskGroup(of: Part.self) { group in
            group.addTask { try await self.server.run(); return .listener }
            group.addTask { await self.engine.executions.run(); return .worker }
            group.addTask { try await self.engine.runSweeper(); return .sweeper }
            group.addTask { try await self.engine.runOutbox(); return .outbox }
            group.addTask { try await self.engine.secrets.run(); return .secrets }
            group.addTask { try await self.engine.apiKeys.run(); return .keys }
            if let admin { group.addTask { try await admin.run(); return .admin } }
            group.addTask {
                try await ClockWatch(tolerance: self.settings.clockTolerance, time: self.time, logger: self.logger)
                    .run()
                return .clock
            }
            if let http = settings.http {
                let endpoint = SideEndpoint(
                    address: http, engine: engine, statistics: { [server] in await server.statistics },
                    backups: settings.backups, scripts: settings.scripts, time: time, logger: logger)
                group.addTask { try await endpoint.run(); return .http }
            }
            try await waitForEnd(&group)
        }
        // The store is still there: what a key was used for since the last turn is not forgotten.
        try await engine.apiKeys.writeUses()
    }

    private func waitForEnd(_ group: inout ThrowingTaskGroup<Part, any Error>) async throws {
        defer { group.cancelAll() }
        while let ended = try await group.next() {
            switch ended {
            case .listener:
                logger.info("listener closed; waiting for runs in progress")
                await engine.executions.beginDrain()
                let deadline = time.monotonic + settings.runDrainTimeout
                group.addTask { [time] in
                    try await time.sleep(until: deadline)
                    return .timer
                }
            case .worker, .timer: return
            case .admin, .sweeper, .outbox, .secrets, .keys, .clock, .http: break
            }
        }
    }
}
