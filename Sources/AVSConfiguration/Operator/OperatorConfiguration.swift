public import AVSPrimitives

/// Everything that whoever runs an operator decides about it: the file given to `avs-operator --config`.
///
/// - Source: aggregator-api 9.7, design 9.
public struct OperatorConfiguration: Hashable, Sendable {
    public var environment = DeploymentEnvironment.production
    /// Who we are, whatever key we sign with. Required.
    public var operatorAddress = Address.zero
    /// A version 3 keystore with the operator's own key or its alias's. Nil takes the key from the environment.
    public var keystorePath: String?
    /// The folder of cursors and outbox. Required.
    public var databasePath = ""
    /// The aggregator: `aggregator_server_ip_port_address`. Required.
    public var aggregator = HostPort(loopbackPort: 2206)
    public var aggregatorTLS = ClientTLSConfiguration()
    /// The chains whose triggers are watched: at least one, exactly one of them the default.
    public var chains: [ChainConfiguration] = []

    /// Where Prometheus finds us: `eigen_metrics_ip_port_address`.
    public var metricsAddress: HostPort?
    public var servesMetrics = false
    /// EigenLayer's node API: `node_api_ip_port_address`.
    public var nodeAPIAddress: HostPort?
    public var servesNodeAPI = false
    /// How the operator calls itself in logs and error reports; nil is its address.
    public var serverName: String?

    public var log = LogConfiguration()
    public var features = Features()
    public var eventSafety = EventSafety()
    public var external = External()

    /// `target_chain` of the reference; ``chains`` has it after reading.
    var targetChain: TargetChainKeys?
    /// The older spelling of ``environment``.
    var isProduction: Bool?

    init() {}

    /// Reads a file's content. The same as ``AggregatorConfiguration/read(_:file:facts:)``.
    public static func read(
        _ bytes: [UInt8], file: String, facts: ProcessFacts
    ) throws(ConfigurationError) -> LoadedConfiguration<OperatorConfiguration> {
        try LoadedConfiguration(reading: bytes, file: file, facts: facts)
    }

    /// What `--print-config` prints.
    public func printed() throws -> String { try Printer.yaml(self) }

    /// `enabled_features`.
    public struct Features: Hashable, Sendable {
        /// Whether event triggers are watched; tasks with one never fire here otherwise.
        public var watchesEvents = false

        init() {}
    }

    /// `event_safety`.
    public struct EventSafety: Hashable, Sendable {
        public var eventsPerBlock = 1_000
        public var eventsPerQueryAndBlock = 500

        init() {}
    }

    /// The reference's keys of EigenLayer and Sentry. Each is optional: registration on chain is checked only where the
    /// registry is named.
    public struct External: Hashable, Sendable {
        public var blsKeystorePath: String?
        public var blsSigner: RemoteBLSSigner?
        public var registryCoordinator: Address?
        public var operatorStateRetriever: Address?
        /// `ap_config_address`: the alias registry; nil takes the public one of the chain.
        public var aliasRegistry: Address?
        /// `eth_rpc_url`: the chain of the registry.
        public var eigenLayerRPC: EndpointURL?
        public var eigenLayerWebSocket: EndpointURL?
        public var sentryDSN: EndpointURL?

        init() {}
    }

    /// `bls_remote_signer`.
    public struct RemoteBLSSigner: Hashable, Sendable {
        public var address: String = ""
        public var publicKey: String = ""
        public var password: Sensitive<String>?
        public var certificatePath: String?

        init() {}
    }
}
