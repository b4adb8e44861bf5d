import AVSBackup
import AVSConfiguration
import AVSEngine
import AVSEthereum
import AVSHTTP2
import AVSModel
import AVSPrimitives
import AVSRocksDB
import AVSScript
import AVSServer
import AVSTransport
import AVSWorkflow

// What the configuration means to each part of the service. Pure: a test holds every key against it.
extension AggregatorConfiguration {
    /// - Parameter chains: with a client for each; not empty.
    func engineConfiguration(_ chains: [UInt64: ChainSettings], defaultID: UInt64) -> EngineConfiguration {
        var engine = EngineConfiguration(
            chains: chains, defaultChainID: defaultID, approvedOperators: Set(approvedOperators))
        engine.macroSecrets = macros.secrets.mapValues(\.exposed)
        engine.fees = feeRates
        engine.afterUnknownOutcome =
            switch effects.blindAfterRestart {
            case .fail: .fail
            case .retry: .retry
            }
        engine.limits = engineLimits
        engine.times = engineTimes
        return engine
    }

    /// What the controller signs for (KMS-7).
    func signingPolicy(_ chains: [UInt64: ChainSettings]) -> SigningPolicy {
        let limits = controller.limits
        var policy = SigningPolicy(entryPoints: chains.mapValues(\.entryPoint))
        policy.gasPerOperation = limits.gasPerOperation.wei
        policy.gasPerDay = limits.gasPerDay.wei
        policy.valuePerOperation = limits.valuePerOperation.wei
        policy.valuePerDay = limits.valuePerDay.wei
        policy.operationsPerMinute = limits.operationsPerMinute == 0 ? nil : limits.operationsPerMinute
        return policy
    }

    /// What nodes use in the name of this server: keys among the global secrets, or those of the reference's own keys.
    func workflowServices(_ chains: [UInt64: any ChainClient]) -> WorkflowServices {
        var services = WorkflowServices(secrets: macros.secrets.mapValues(\.exposed), chains: chains)
        if let key = external.moralisAPIKey?.exposed, services.secrets["moralis_api_key"] == nil {
            services.secrets["moralis_api_key"] = key
        }
        if let url = external.moralisURL { services.balanceURL = url.text }
        return services
    }

    private var feeRates: AVSModel.FeeRates {
        var rates = AVSModel.FeeRates()
        rates.execution = Dollars(fees.executionFee)
        rates.firstTier = fees.tiers.first.description
        rates.creditLimit = Dollars(fees.creditLimit)
        rates.coinPrice = Dollars(fees.coinPrice)
        return rates
    }

    private var engineLimits: EngineLimits {
        var engine = EngineLimits()
        engine.walletsPerOwner = limits.walletsPerOwner
        engine.tasksPerOwner = limits.tasksPerOwner
        engine.secretsPerOwner = limits.secretsPerOwner
        engine.secretBytes = limits.secretBytes
        engine.queuedPerTask = Int64(limits.queuedPerTask)
        engine.queuedPerOwner = limits.queuedPerOwner
        engine.queuedInAll = limits.queuedInAll
        engine.runningInAll = queue.workers
        engine.runningPerOwner = queue.workersPerOwner
        engine.attemptsPerExecution = UInt32(clamping: execution.maximumAttempts)
        engine.rowsPerPage = limits.pageRows
        engine.bytesPerPage = limits.pageBytes
        engine.dedupRecordsPerTask = dedup.recordsPerTask
        engine.journalBytes = limits.journalBytes
        engine.executionRecordBytes = limits.executionRecordBytes
        engine.updateBytes = store.batchBytes
        return engine
    }

    /// What one run may come to.
    var runLimits: RunLimits {
        var run = RunLimits()
        run.loopElements = limits.loopElements
        run.steps = limits.stepsPerExecution
        run.stepOutputBytes = limits.stepOutputBytes
        return run
    }

    private var engineTimes: EngineTimes {
        var engine = EngineTimes()
        engine.executionDeadline = execution.deadline
        engine.runningGrace = compatibility.runningGrace
        engine.cronCatchUp = time.catchUp.skipped
        engine.fixedTimeCatchUp = time.catchUp.once
        engine.dedupRetention = dedup.retention
        engine.syncInitialDelay = sync.initialDelay
        engine.syncPeriod = sync.period
        engine.outboxFirstRetry = outbox.firstRetry
        engine.outboxLongestRetry = outbox.longestRetry
        engine.outboxGivenUpAfter = outbox.givenUpAfter
        return engine
    }

    // MARK: Store

    func apply(to options: inout RocksDBOptions) {
        options.blockCacheBytes = store.blockCacheBytes
        options.writeBufferBytes = store.writeBufferBytes
        options.batchBytesMax = store.batchBytes
        options.batchUpdatesMax = store.batchCount
        options.unsyncedAgeMax = store.unsyncedAge
        options.commitMarkInterval = store.commitMarkInterval
        options.housekeepingInterval = min(options.housekeepingInterval, store.commitMarkInterval)
        options.softMark = SpaceMark(disk.soft)
        options.hardMark = SpaceMark(disk.hard)
        options.ballastBytes = disk.ballastBytes
    }

    var backupSettings: BackupService.Settings {
        var settings = BackupService.Settings(directory: backup.directory ?? backupDirectory)
        settings.keptCount = backup.keptCount
        settings.interval = backup.interval
        return settings
    }

    // MARK: Scripts

    /// - Parameter programs: the directory of this program, where the worker's is too.
    func scriptSettings(programs: String) -> ScriptPoolSettings {
        var pool = ScriptPoolSettings(executable: script.worker ?? programs + "/avs-script-worker")
        pool.lodash = script.lodash
        pool.memoryBytes = script.memoryBytes
        pool.hasJIT = script.usesJIT
        pool.requiresSandbox = script.requiresSandbox
        pool.workers = script.workers
        pool.workersPerOwner = script.workersPerOwner
        return pool
    }

    // MARK: Server

    func serverSettings(security: ConnectionSecurity) -> Aggregator.Settings {
        let mode = AVSServer.OperatorAuthentication.Mode(rawValue: operatorAuthentication.rawValue)
        var settings = Aggregator.Settings(rpc: rpcConfiguration(security), operators: .init(mode: mode ?? .enforce))
        settings.showsCanceledAsDisabled = compatibility.showsCanceledAsDisabled
        settings.offersReflection = rpc.hasReflection
        settings.runDrainTimeout = drain.timeout
        settings.http = httpAddress.map { .init(host: $0.host, port: Int($0.port)) }
        settings.admin = adminConfiguration
        settings.apiKeyLifetime = apiKey.lifetime
        settings.limits = callLimits
        settings.taskLimits = taskLimits
        settings.eventLoops = rpc.eventLoops == 0 ? nil : rpc.eventLoops
        settings.clockTolerance = clock.jump
        return settings
    }

    private func rpcConfiguration(_ security: ConnectionSecurity) -> RPCServer.Configuration {
        let place = RPCServer.Listener(.tcp(host: rpcAddress.host, port: Int(rpcAddress.port)), security: security)
        var server = RPCServer.Configuration(listeners: [place])
        server.acceptBacklog = rpc.acceptBacklog
        server.requestLimitBytes = rpc.messageBytes
        server.maxConnections = limits.connections
        server.maxBufferedBytes = Self.messageBufferBytes
        server.maxConnectionsPerAddress = limits.profile == .test ? nil : limits.connectionsPerAddress
        server.drainTimeout = drain.timeout
        server.limits.http2.maxConcurrentStreams = UInt32(clamping: rpc.streamsPerConnection)
        // A handler may outlive its stream for a moment; the room for that is the default's, twice the streams.
        server.maxRunningCallsPerConnection = 2 * rpc.streamsPerConnection
        server.limits.keepaliveTime = rpc.keepaliveTime == .zero ? nil : rpc.keepaliveTime
        server.limits.keepaliveTimeout = rpc.keepaliveTimeout
        server.limits.logsFrames = rpc.logsFrames
        server.pings = .init(
            minimumInterval: rpc.permittedPingInterval, permitsWithoutCalls: rpc.permitsPingsWithoutCalls)
        server.maximumIdle = rpc.maximumIdle == .zero ? nil : rpc.maximumIdle
        server.maximumAge = rpc.maximumAge == .zero ? nil : rpc.maximumAge
        server.maximumAgeGrace = rpc.maximumAgeGrace == .zero ? nil : rpc.maximumAgeGrace
        return server
    }

    /// On loopback, which the configuration's own rules see to, so it needs no TLS.
    private var adminConfiguration: RPCServer.Configuration? {
        guard let adminAddress else { return nil }
        let place = RPCServer.Listener(.tcp(host: adminAddress.host, port: Int(adminAddress.port)))
        var server = RPCServer.Configuration(listeners: [place])
        server.maxConnections = 64  // administrators and their scripts
        server.drainTimeout = drain.timeout
        return server
    }

    private var callLimits: CallLimits {
        var calls = CallLimits()
        calls.strangers = .init(limits.unauthenticatedPerAddress)
        calls.signInsPerAddress = .init(limits.signInsPerAddress)
        calls.signInsPerAccount = .init(limits.signInsPerWallet)
        calls.readsPerCaller = .init(limits.readsPerCaller)
        calls.writesPerCaller = .init(limits.writesPerCaller)
        calls.trialsPerCaller = .init(limits.simulationsPerCaller)
        calls.readsPerKey = .init(limits.readsPerKey)
        calls.writesPerKey = .init(limits.writesPerKey)
        calls.trialsPerKey = .init(limits.simulationsPerKey)
        calls.reportsPerOperator = .init(limits.notificationsPerOperator)
        calls.runningTrialsPerCaller = limits.runningSimulationsPerCaller
        calls.runningPerCaller = limits.runningHandlersPerCaller
        calls.runningInAll = limits.runningHandlers
        calls.waiting = limits.waitingCalls
        return limits.profile == .test ? calls.withoutRates : calls
    }

    private var taskLimits: TaskValidator.Limits {
        var task = TaskValidator.Limits()
        task.nodes = limits.nodesPerTask
        task.edges = limits.edgesPerTask
        task.nesting = limits.nesting
        task.schedules = limits.schedulesPerTrigger
        task.addresses = limits.addressesPerQuery
        task.conditions = limits.conditionsPerQuery
        return task
    }
}

extension CallLimits.Rate {
    fileprivate init(_ rate: AggregatorConfiguration.Rate) { self.init(perSecond: rate.perSecond, burst: rate.burst) }
}

extension ScriptMetrics {
    init(_ statistics: ScriptPoolStatistics) {
        self.init()
        waiting = statistics.waiting
        running = statistics.running
        workers = statistics.processes
        started = statistics.started
        answered = statistics.answered
        for reason in ScriptFailure.allCases { failures[reason.rawValue] = statistics.failures[reason, default: 0] }
    }
}

extension SpaceMark {
    init(_ mark: FreeSpaceMark) { self.init(percent: mark.percent, bytes: mark.bytes) }
}

extension DecimalAmount {
    /// Of coins; nil for none, which is no bound.
    fileprivate var wei: UInt256? { millionths > 0 ? UInt256(decimal: "\(millionths)000000000000") : nil }
}

extension Dollars {
    fileprivate init(_ amount: DecimalAmount) { self.init(millionths: UInt64(clamping: amount.millionths)) }
}
