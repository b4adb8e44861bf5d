public import AVSPrimitives

/// Everything that the administrator decides about an aggregator: the file given to `avs-aggregator --config`.
///
/// Each property's initial value is the default and each key's bounds stand in one table per section, from which
/// reading, refusing and `--print-config` follow.
///
/// - Source: design 9, aggregator-api 9.6, reliability-security 4.2 and 8.
public struct AggregatorConfiguration: Hashable, Sendable {
    public var environment = DeploymentEnvironment.production
    /// The folder of the database. Required.
    public var databasePath = ""
    /// The folder with `jwt_secret` and `root_key`, outside the database's.
    public var keysDirectory: String?
    /// Where backups and the copies before a migration go, unless ``backup`` says otherwise.
    public var backupDirectory = ""
    /// The rpc listener. Reachable from this machine only unless the file says otherwise.
    public var rpcAddress = HostPort(loopbackPort: 2206)
    /// The listener of the `Admin` service, always on loopback; nil has none.
    public var adminAddress: HostPort? = HostPort(loopbackPort: 2207)
    /// The side endpoint with `/up`, `/operator`, `/telemetry`, `/metrics`; nil has none.
    public var httpAddress: HostPort?
    /// How the service calls itself in logs and error reports.
    public var serverName: String?

    /// At least one, exactly one of them the default.
    public var chains: [ChainConfiguration] = []
    public var controller = Controller()
    /// Signs and checks tokens (JWT-5). Nil where the keys' folder has it.
    public var jwtSecret: Sensitive<String>?
    /// Still checks tokens, so that the secret can change without anybody signing in again.
    public var previousJWTSecret: Sensitive<String>?
    /// Only these receive checks and may report (aggregator-api 6.10).
    public var approvedOperators: [Address] = StandardContracts.approvedOperators
    public var operatorAuthentication = OperatorAuthentication.enforce

    public var auth = Auth()
    public var apiKey = APIKey()
    public var tls = TLSConfiguration()
    public var rpc = RPC()
    public var log = LogConfiguration()
    public var macros = Macros()
    public var compatibility = Compatibility()
    public var queue = Queue()
    public var sync = Sync()
    public var limits = Limits()
    public var backup = Backup()
    public var fees = FeeRates()
    public var notifications = Notifications()

    public var store = Store()
    public var disk = Disk()
    public var dedup = Dedup()
    public var execution = Execution()
    public var effects = Effects()
    public var outbox = Outbox()
    public var time = Time()
    public var clock = Clock()
    public var memory = Memory()
    public var drain = Drain()
    public var script = Script()
    public var fetch = Fetch()

    public var external = External()

    /// The reference's keys of its one chain; ``chains`` has them after reading.
    var smartWallet: SmartWalletKeys?

    init() {}

    /// Reads a file's content.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8 YAML of at most 1 MiB, one document.
    ///   - file: the name that problems carry.
    /// - Throws: every problem at once, each with its place.
    public static func read(
        _ bytes: [UInt8], file: String, facts: ProcessFacts
    ) throws(ConfigurationError) -> LoadedConfiguration<AggregatorConfiguration> {
        try LoadedConfiguration(reading: bytes, file: file, facts: facts)
    }

    /// What `--print-config` prints: every value in effect as YAML that reads back as this configuration, but for the
    /// secrets, which are marks.
    public func printed() throws -> String { try Printer.yaml(self) }
}
