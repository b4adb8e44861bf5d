public import AVSPrimitives

/// The environment variables that our programs look at; no others matter.
public enum EnvironmentVariable: String, CaseIterable, Sendable {
    /// The root key of secrets at rest, 64 hex digits, where no file has it (KMS-2).
    case rootKey = "AVS_ROOT_KEY"
    /// Of the aggregator's `controller.keystore_path`.
    case controllerPassword = "AVS_CONTROLLER_KEY_PASSWORD"
    /// Where the file has no `moralis_api_key`.
    case moralisKey = "MORALIS_API_KEY"
    /// Of the operator's keystore.
    case operatorPassword = "OPERATOR_ECDSA_KEY_PASSWORD"
    /// The operator's key itself, where there is no keystore.
    case operatorKey = "OPERATOR_ECDSA_PRIVATE_KEY"
    case operatorBLSPassword = "OPERATOR_BLS_KEY_PASSWORD"
    /// The port that the operator reports, where it differs from the one it listens on.
    case publicMetricsPort = "PUBLIC_METRICS_PORT"

    /// Whether it is taken out of the environment once it was read, so that no child process inherits it (KMS-2).
    var isSecret: Bool { self != .publicMetricsPort }
}

/// What a configuration depends on beside its file: passed in, so that reading one is a function of values.
public struct ProcessFacts: Sendable {
    public var variables: [EnvironmentVariable: Sensitive<String>]
    /// Where the system wants temporary files, without a slash at its end.
    public var temporaryDirectory: String
    /// By which the name of the configuration's file goes, and so the relative paths in it; empty leaves them relative.
    public var workingDirectory: String
    /// The user that a private file must belong to, unless it is root's.
    public var userID: UInt32
    /// `--allow-private-fetch`: lets `fetch.allow` stand in production (SSRF-10).
    public var allowsPrivateFetch: Bool
    /// Reads the output of `--print-config`, in which marks stand for secrets. Such a configuration cannot be run.
    public var acceptsMarks: Bool

    public init(
        variables: [EnvironmentVariable: Sensitive<String>] = [:], temporaryDirectory: String,
        workingDirectory: String = "", userID: UInt32, allowsPrivateFetch: Bool = false,
        acceptsMarks: Bool = false
    ) {
        self.variables = variables
        self.temporaryDirectory = temporaryDirectory
        self.workingDirectory = workingDirectory
        self.userID = userID
        self.allowsPrivateFetch = allowsPrivateFetch
        self.acceptsMarks = acceptsMarks
    }

    /// The text of a variable that is set and not empty.
    func text(of variable: EnvironmentVariable) -> Sensitive<String>? {
        variables[variable].flatMap { $0.exposed.isEmpty ? nil : $0 }
    }
}
