import AVSBackup
import AVSConfiguration
import AVSCrypto
import AVSEngine
import AVSEthereum
import AVSFetch
import AVSLogging
import AVSPrimitives
import AVSRocksDB
import AVSSchema
import AVSScript
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
    /// Files and sockets that the process may have open.
    let openFilesMax: Int

    private var configuration: AggregatorConfiguration { loaded.value }

    func run() async throws {
        let (logger, logs) = Logs.start(configuration.log, label: "aggregator")
        defer { logs.flush() }
        for warning in loaded.warnings + loaded.withoutEffect { logger.warning("\(warning)") }
        if let warning = Hardening.warning(files: openFilesMax, connections: configuration.limits.connections) {
            logger.warning("\(warning)")
        }
        let time = SystemTime()
        let tokens = try tokens(logger)
        let controller = try ControllerKey.load(configuration, facts)
        let chains = try await Chains(configuration.chains, time: time)
        defer { chains.close() }
        let store = try openStore(logger, logs)
        let backups = BackupService(store: store, settings: configuration.backupSettings, time: time, logger: logger)
        let failure: (any Error)?
        do {
            try await migrate(store, time: time, logger: logger)
            try await serve(
                store: store, backups: backups, chains: chains, tokens: tokens, controller: controller, time: time,
                logger: logger)
            failure = nil
        } catch {
            failure = error
        }
        let isFree = await backups.stopWorking(within: Self.backupEnd)
        await store.close()
        logger.info("stopped")
        if !isFree {
            // The library still copies files, which nothing can stop, and must not lose its memory under its feet.
            logs.flush()
            _exit(failure == nil ? 0 : 70)
        }
        if let failure { throw StartFailure(explaining: failure) }
    }

    /// How long the end waits for a copy that is being made.
    private static let backupEnd = Duration.seconds(10)

    /// Before anything reads the rows of an older release (1.7 step 4). A copy is made first.
    private func migrate(_ store: RocksDBStore, time: SystemTime, logger: Logger) async throws {
        let reports = try await Migrator(store: store, migrations: TaskEngine.migrations, time: time).run { pending in
            let copy = try await MigrationBackup(directory: configuration.backupDirectory)
                .make(of: store, before: pending, at: time.now)
            logger.info("copied before migrations", metadata: ["to": "\(copy)", "pending": "\(pending)"])
        }
        for report in reports {
            logger.info("migrated", metadata: ["migration": "\(report.name)", "records": "\(report.records)"])
        }
    }

    private func serve(
        store: RocksDBStore, backups: BackupService, chains: Chains, tokens: JWT, controller: SigningKey?,
        time: SystemTime, logger: Logger
    ) async throws {
        let http = try outgoingHTTP(time)
        defer { http.close() }
        let scripts = try await scriptPool(time, logger)
        defer { scripts?.close() }
        var engineSettings = configuration.engineConfiguration(chains.settings, defaultID: chains.defaultID)
        engineSettings.isSpaceLow = { store.status.isSpaceLow }
        let notifier = try StartFailure.explaining { () throws(FetchError) in try EndpointFetcher(time: time) }
        defer { notifier.close() }
        engineSettings.notifications = Webhook(configuration.outbox, fetcher: notifier)
        engineSettings.rootKeys = ConfiguredRootKeys(configuration: configuration, facts: facts)
        if let controller {
            engineSettings.walletCalls = UserOperationSender(
                store: store, configuration: engineSettings,
                signer: ControllerSigner(
                    key: controller, policy: configuration.signingPolicy(chains.settings), time: time),
                epoch: store.status.epoch, time: time, logger: logger)
            logger.info("signs user operations", metadata: ["controller": "\(controller.address)"])
        } else if configuration.chains.contains(where: { $0.bundlerURL != nil }) {
            logger.warning("a bundler is configured and no controller: nothing is written on a chain")
        }
        let runner = GraphRunner(
            chains: chains.clients, http: configuration.fetch.hasMockHost ? MockHost(before: http, time: time) : http,
            time: time, scripts: scripts ?? SimpleScriptRunner(),
            services: configuration.workflowServices(chains.clients), limits: configuration.runLimits,
            wallets: engineSettings.walletCalls, afterUnknownOutcome: engineSettings.afterUnknownOutcome)
        let engine = TaskEngine(
            store: store, configuration: engineSettings, runner: runner, immediate: runner, epoch: store.status.epoch,
            time: time, random: SecureRandom(), logger: logger)
        let lifetime = configuration.auth.maximumTokenLifetime
        let authority = TokenAuthority(
            tokens: tokens, chainID: chains.defaultID, version: AggregatorVersion.text,
            maximumLifetime: lifetime == .zero ? nil : lifetime)
        let security = try ListenerSecurity(configuration.tls, time: time, logger: logger)
        var settings = configuration.serverSettings(security: security.connections)
        settings.aliases = chains.operatorAliases(configuration, time: time, logger: logger)
        settings.backups = backups
        let memory = try memoryWatch(time, logger)
        settings.memory = memory
        if let scripts { settings.scripts = { ScriptMetrics(scripts.statistics) } }
        let aggregator = try Aggregator(
            engine: engine, authority: authority, settings: settings, time: time, logger: logger)
        let announcement = Task {  // ends when the listener is bound or fails to; the failure ends the service itself
            do {
                let port = try await aggregator.boundPort
                logger.info("serving", metadata: ["rpc": "\(configuration.rpcAddress.host):\(port)"])
            } catch {
                logger.error("not listening", metadata: ["error": "\(error)"])
            }
        }
        defer { announcement.cancel() }
        var services = [ServiceGroupConfiguration.ServiceConfiguration(
            service: aggregator, successTerminationBehavior: .gracefullyShutdownGroup)]
        services.append(.init(service: memory, failureTerminationBehavior: .gracefullyShutdownGroup))
        if let reloader = security.reloader { services.append(.init(service: reloader)) }
        if configuration.backup.isEnabled { services.append(.init(service: PeriodicBackup(backups))) }
        var group = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
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
        configuration.apply(to: &options)
        return try StartFailure.explaining { () throws(StorageError) in
            try RocksDBStore.open(path: configuration.databasePath, creates: createsDatabase, options: options)
        }
    }

    private func memoryWatch(_ time: SystemTime, _ logger: Logger) throws -> MemoryWatch {
        let memory = MemoryFacts.taken()
        guard let budget = memory.bytes(of: configuration.memory.budget) else {
            throw StartFailure(70, "neither /proc/meminfo nor a cgroup says how much memory there is")
        }
        if let warning = configuration.memoryWarning(budget: budget) { logger.warning("\(warning)") }
        return MemoryWatch(
            budgetBytes: budget, time: time, logger: logger, relieve: { MemoryFacts.returnFreePages() }
        ) { MemoryFacts.residentBytes }
    }

    /// Nil only in development: where the workers cannot run, what needs JavaScript fails and says so.
    private func scriptPool(_ time: SystemTime, _ logger: Logger) async throws -> ScriptPool? {
        do throws(ScriptPoolError) {
            let settings = configuration.scriptSettings(programs: Self.programDirectory)
            return try await ScriptPool.start(settings, time: time, logger: logger)
        } catch {
            guard configuration.environment == .development, !configuration.script.requiresSandbox else {
                throw StartFailure(78, "\(error)")
            }
            logger.warning("no JavaScript in this process", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    /// Where this program's file lies.
    private static var programDirectory: String {
        URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
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
}
