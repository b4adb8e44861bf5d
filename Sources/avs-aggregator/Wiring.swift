import AVSConfiguration
import AVSCrypto
import AVSEngine
import AVSEthereum
import AVSFetch
import AVSLogging
import AVSPrimitives
import AVSRocksDB
import AVSServer
import AVSStorage
import AVSTransport
import AVSWorkflow
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

/// Turns a configuration into a running service, and takes it down in order.
struct Wiring {
    let loaded: LoadedConfiguration<AggregatorConfiguration>
    let facts: ProcessFacts
    let createsDatabase: Bool

    private var configuration: AggregatorConfiguration { loaded.value }

    func run() async throws {
        let (logger, logs) = Logs.start(configuration.log, label: "aggregator")
        defer { logs.flush() }
        for warning in loaded.warnings { logger.warning("\(warning)") }
        let time = SystemTime()
        let tokens = try tokens(logger)
        let chains = try await Chains(configuration.chains, time: time)
        defer { chains.close() }
        let store = try openStore(logger, logs)
        let failure: (any Error)?
        do {
            try await serve(store: store, chains: chains, tokens: tokens, time: time, logger: logger)
            failure = nil
        } catch {
            failure = error
        }
        await store.close()
        logger.info("stopped")
        if let failure { throw StartFailure(explaining: failure) }
    }

    private func serve(
        store: RocksDBStore, chains: Chains, tokens: JWT, time: SystemTime, logger: Logger
    ) async throws {
        let http = try outgoingHTTP(time)
        defer { http.close() }
        let engine = TaskEngine(
            store: store, configuration: engineConfiguration(chains),
            runner: GraphRunner(chains: chains.clients, http: http, time: time), epoch: store.status.epoch, time: time,
            random: SecureRandom(), logger: logger)
        let lifetime = configuration.auth.maximumTokenLifetime
        let authority = TokenAuthority(
            tokens: tokens, chainID: chains.defaultID, version: AggregatorVersion.text,
            maximumLifetime: lifetime == .zero ? nil : lifetime)
        let aggregator = try Aggregator(
            engine: engine, authority: authority, settings: try settings(), time: time, logger: logger)
        let announcement = Task {  // ends when the listener is bound or fails to; the failure ends the service itself
            do {
                let port = try await aggregator.boundPort
                logger.info("serving", metadata: ["rpc": "\(configuration.rpcAddress.host):\(port)"])
            } catch {
                logger.error("not listening", metadata: ["error": "\(error)"])
            }
        }
        defer { announcement.cancel() }
        var group = ServiceGroupConfiguration(
            services: [.init(service: aggregator, successTerminationBehavior: .gracefullyShutdownGroup)],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = configuration.drain.totalTimeout
        try await ServiceGroup(configuration: group).run()
    }

    // MARK: Parts

    private func tokens(_ logger: Logger) throws -> JWT {
        var random = SecureRandom()
        let secrets = try StartFailure.explaining { () throws(ConfigurationError) in
            try configuration.tokenSecrets(facts, using: &random)
        }
        for warning in secrets.warnings { logger.warning("\(warning)") }
        return try StartFailure.explaining { () throws(JWTError) in
            try JWT(secret: secrets.current, previous: secrets.previous)
        }
    }

    private func openStore(_ logger: Logger, _ logs: LogSink) throws -> RocksDBStore {
        var options = RocksDBOptions(
            onEvent: { event in logger.info("store", metadata: ["event": "\(event)"]) },
            onFatal: { fatality in
                // The state of the disk is unknown: only a new start can tell what is there (FAIL-1).
                logger.critical("store failed", metadata: ["reason": "\(fatality.reason)"])
                logs.flush()
                _exit(fatality.exitCode)
            })
        options.blockCacheBytes = configuration.store.blockCacheBytes
        options.writeBufferBytes = configuration.store.writeBufferBytes
        options.batchBytesMax = configuration.store.batchBytes
        options.batchUpdatesMax = configuration.store.batchCount
        options.unsyncedAgeMax = configuration.store.unsyncedAge
        options.ballastBytes = configuration.disk.ballastBytes
        return try StartFailure.explaining { () throws(StorageError) in
            try RocksDBStore.open(path: configuration.databasePath, creates: createsDatabase, options: options)
        }
    }

    private func outgoingHTTP(_ time: SystemTime) throws -> WorkflowHTTP {
        var limits = FetchLimits()
        limits.redirects = configuration.fetch.maximumRedirects
        let allowed = configuration.fetch.allowed.compactMap { AllowedEndpoint("\($0)") }
        return WorkflowHTTP(
            try StartFailure.explaining { () throws(FetchError) in
                try Fetcher(allowed: Set(allowed), limits: limits, time: time)
            })
    }

    private func engineConfiguration(_ chains: Chains) -> EngineConfiguration {
        var engine = EngineConfiguration(
            chains: chains.settings, defaultChainID: chains.defaultID,
            approvedOperators: Set(configuration.approvedOperators))
        engine.macroSecrets = configuration.macros.secrets.mapValues(\.exposed)
        engine.limits.walletsPerOwner = configuration.limits.walletsPerOwner
        engine.limits.tasksPerOwner = configuration.limits.tasksPerOwner
        engine.limits.queuedPerTask = Int64(configuration.limits.queuedPerTask)
        engine.limits.queuedPerOwner = configuration.limits.queuedPerOwner
        engine.limits.queuedInAll = configuration.limits.queuedInAll
        engine.limits.runningInAll = configuration.queue.workers
        engine.limits.runningPerOwner = configuration.queue.workersPerOwner
        engine.limits.attemptsPerExecution = UInt32(clamping: configuration.execution.maximumAttempts)
        engine.limits.rowsPerPage = configuration.limits.pageRows
        engine.limits.bytesPerPage = configuration.limits.pageBytes
        engine.limits.dedupRecordsPerTask = configuration.dedup.recordsPerTask
        engine.times.executionDeadline = configuration.execution.deadline
        engine.times.runningGrace = configuration.compatibility.runningGrace
        engine.times.cronCatchUp = configuration.time.catchUp.skipped
        engine.times.fixedTimeCatchUp = configuration.time.catchUp.once
        engine.times.dedupRetention = configuration.dedup.retention
        engine.times.syncInitialDelay = configuration.sync.initialDelay
        engine.times.syncPeriod = configuration.sync.period
        return engine
    }

    private func settings() throws -> Aggregator.Settings {
        let address = configuration.rpcAddress
        var rpc = RPCServer.Configuration(
            listeners: [
                .init(.tcp(host: address.host, port: Int(address.port)), security: try Security.server(configuration.tls))
            ])
        rpc.requestLimitBytes = configuration.rpc.messageBytes
        rpc.maxConnections = configuration.limits.connections
        rpc.drainTimeout = configuration.drain.timeout
        let mode = AVSServer.OperatorAuthentication.Mode(rawValue: configuration.operatorAuthentication.rawValue)
        var settings = Aggregator.Settings(rpc: rpc, operators: .init(mode: mode ?? .enforce))
        settings.showsCanceledAsDisabled = configuration.compatibility.showsCanceledAsDisabled
        settings.offersReflection = configuration.rpc.hasReflection || configuration.environment == .development
        settings.runDrainTimeout = configuration.drain.timeout
        settings.http = configuration.httpAddress.map { .init(host: $0.host, port: Int($0.port)) }
        return settings
    }
}
