import AVSConfiguration
import AVSCrypto
import AVSEthereum
import AVSLogging
import AVSModel
import AVSOperator
import AVSPrimitives
import AVSRocksDB
import AVSStorage
import AVSTransport
import AVSWatch
import Glibc
import Logging
import ServiceLifecycle
import UnixSignals

/// Turns a configuration into a running operator, and takes it down in order.
struct Wiring {
    static let version = "0.1.0"

    let loaded: LoadedConfiguration<OperatorConfiguration>
    let facts: ProcessFacts

    private var configuration: OperatorConfiguration { loaded.value }

    func run() async throws {
        let (logger, logs) = Self.startLog(configuration.log)
        defer { logs.flush() }
        for warning in loaded.warnings + loaded.withoutEffect { logger.warning("\(warning)") }
        let time = SystemTime()
        let credentials = OperatorCredentials(
            address: configuration.operatorAddress, key: try configuration.unlockedKey(facts))
        let chains = try Chains(time: time)
        defer { chains.close() }
        try await checkRegistries(credentials, chains, logger)
        let watched = try await chains.watched(configuration.chains)
        let store = try openStore(logger, logs)
        let failure: (any Error)?
        do {
            try await serve(store, watched, credentials, time, logger)
            failure = nil
        } catch {
            failure = error
        }
        await store.close()
        logger.info("stopped")
        if let failure { throw failure }
    }

    private func serve(
        _ store: RocksDBStore, _ chains: [WatchedChain], _ credentials: OperatorCredentials, _ time: SystemTime,
        _ logger: Logger
    ) async throws {
        let watches = configuration.features.watchesEvents
        var options = OperatorClient.Configuration()
        options.version = Self.version
        // Announcing what we do not watch would let tasks starve (DEFECT-31).
        options.capabilities.events = watches
        let client = try OperatorClient(
            target: configuration.aggregator.description, security: try Security.client(configuration.aggregatorTLS),
            credentials: credentials, configuration: options, time: time, logger: logger)
        var watching = WatchConfiguration()
        watching.watchesEvents = watches
        watching.eventsPerQueryAndBlock = UInt32(clamping: configuration.eventSafety.eventsPerQueryAndBlock)
        watching.metricsPort = configuration.reportedMetricsPort(facts)
        let node = OperatorNode(
            client: client, chains: chains, store: WatchStore(store), configuration: watching, time: time,
            logger: logger)
        logger.info(
            "watching",
            metadata: [
                "operator": "\(credentials.address)", "aggregator": "\(configuration.aggregator)",
                "chains": "\(chains.map { "\($0.client.chainID)" }.joined(separator: ","))", "events": "\(watches)",
            ])
        var group = ServiceGroupConfiguration(
            services: [.init(service: node, successTerminationBehavior: .gracefullyShutdownGroup)],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(10)
        try await ServiceGroup(configuration: group).run()
    }

    // MARK: Parts

    private static func startLog(_ log: LogConfiguration) -> (logger: Logger, sink: LogSink) {
        let sink = LogSink(format: LogFormat(rawValue: log.format.rawValue) ?? .json, time: SystemTime())
        let level = Logger.Level(rawValue: log.level.rawValue) ?? .info
        LoggingSystem.bootstrap { StructuredLogHandler(label: $0, level: level, sink: sink) }
        return (Logger(label: "operator"), sink)
    }

    /// What the chain of the registries says about the operator and its key, where they are configured (9.7).
    private func checkRegistries(
        _ credentials: OperatorCredentials, _ chains: Chains, _ logger: Logger
    ) async throws {
        let coordinator = configuration.external.registryCoordinator
        guard credentials.usesAlias || coordinator != nil else { return }
        guard let registry = try await chains.aliasRegistry(configuration.external) else {
            logger.warning("without `eth_rpc_url` neither the operator's alias nor its registration can be checked")
            return
        }
        if credentials.usesAlias { try await Alias(registry: registry, credentials: credentials).check() }
        if let coordinator {
            try await Registration(chain: registry.chain, coordinator: coordinator).check(credentials.address)
        }
    }

    /// The store is made where there is none: it holds nothing that an aggregator would not tell again.
    private func openStore(_ logger: Logger, _ logs: LogSink) throws -> RocksDBStore {
        var options = RocksDBOptions(
            onEvent: { event in logger.debug("store", metadata: ["event": "\(event)"]) },
            onFatal: { fatality in
                // The state of the disk is unknown: only a new start can tell what is there (FAIL-1).
                logger.critical("store failed", metadata: ["reason": "\(fatality.reason)"])
                logs.flush()
                _exit(fatality.exitCode)
            })
        options.blockCacheBytes = 16 << 20
        options.writeBufferBytes = 8 << 20
        options.ballastBytes = 0
        let path = configuration.databasePath
        do {
            return try RocksDBStore.open(path: path, options: options)
        } catch StorageError.notFound {
            logger.info("making a database", metadata: ["path": "\(path)"])
            return try RocksDBStore.open(path: path, creates: true, options: options)
        }
    }
}
