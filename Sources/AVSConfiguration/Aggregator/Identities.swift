public import AVSPrimitives

extension AggregatorConfiguration {
    /// The key that signs user operations, which the wallets accept beside their owner's: `controller`.
    ///
    /// Without one nothing is written on a chain. The password of the keystore comes from the environment variable
    /// `AVS_CONTROLLER_KEY_PASSWORD`.
    public struct Controller: Hashable, Sendable {
        /// A version 3 keystore (KMS-5).
        public var keystorePath: String?
        /// In hex; accepted for compatibility (KMS-8).
        public var privateKey: Sensitive<String>?
        public var limits = Limits()

        init() {}

        /// What is signed on each chain at most (KMS-7), in its coins; 0 is no bound.
        public struct Limits: Hashable, Sendable {
            public var gasPerOperation = DecimalAmount(millionths: 0)
            public var gasPerDay = DecimalAmount(millionths: 0)
            public var valuePerOperation = DecimalAmount(millionths: 0)
            public var valuePerDay = DecimalAmount(millionths: 0)
            public var operationsPerMinute = 0

            init() {}
        }
    }

    /// Sign-in and tokens: `auth`.
    public struct Auth: Hashable, Sendable {
        /// How far ahead `Expire At` of a sign-in message may lie (SIG-5); zero for no bound.
        public var maximumTokenLifetime = Duration.seconds(30 * 86_400)
        /// Whether a sign-in message counts once only (SIG-9).
        public var usesMessagesOnce = false

        init() {}
    }

    /// Keys that `avsctl api-keys` makes: `apikey`.
    public struct APIKey: Hashable, Sendable {
        /// Of a key that asks for none, and the most that one gets (T48).
        public var lifetime = Duration.seconds(90 * 86_400)

        init() {}
    }

    /// Server-wide variables and secrets that every run sees: `macros`.
    public struct Macros: Hashable, Sendable {
        public var variables: [String: String] = [:]
        public var secrets: [String: Sensitive<String>] = [:]

        init() {}
    }

    /// Where we differ from the reference, or can be made not to: `compat`.
    public struct Compatibility: Hashable, Sendable {
        /// Reports a cancelled task as disabled, because the last SDK does not know the status (D-3).
        public var showsCanceledAsDisabled = true
        /// How long disable, cancel and delete wait for a running task (R4).
        public var runningGrace = Duration.milliseconds(5_000)
        /// Decodes requests of the first release (D-10).
        public var decodesSeedEra = false

        init() {}
    }
}

extension AggregatorConfiguration.Controller: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .optional("keystore_path", \.keystorePath, .path),
        .optional("private_key", \.privateKey, .privateKey),
        .section("limits", \.limits),
    ]

    mutating func finish(_ context: SectionContext) {
        if keystorePath != nil, privateKey != nil {
            context.refuse("private_key", "and `keystore_path` are both given: wanted one of them")
        }
    }
}

extension AggregatorConfiguration.Controller.Limits: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("gas_per_operation", \.gasPerOperation, .amount(upTo: 1_000_000)),
        .value("gas_per_day", \.gasPerDay, .amount(upTo: 1_000_000)),
        .value("value_per_operation", \.valuePerOperation, .amount(upTo: 1_000_000)),
        .value("value_per_day", \.valuePerDay, .amount(upTo: 1_000_000)),
        .value("operations_per_minute", \.operationsPerMinute, .integer(0...1_000_000)),
    ]
}

extension AggregatorConfiguration.Auth: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value(
            "max_token_lifetime", \.maximumTokenLifetime,
            .duration(.seconds(60) ... .seconds(3_650 * 86_400), zero: "no bound")),
        .value("single_use_messages", \.usesMessagesOnce, .boolean),
    ]
}

extension AggregatorConfiguration.APIKey: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("lifetime", \.lifetime, .duration(.seconds(60) ... .seconds(3_650 * 86_400)))
    ]
}

extension AggregatorConfiguration.Macros: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .map("vars", \.variables, .text(65_536), count: 0...1_000),
        .map("secrets", \.secrets, .secret(65_536), count: 0...1_000),
    ]
}

extension AggregatorConfiguration.Compatibility: ConfigurationSection {
    static let keys: [Key<Self>] = [
        .value("project_canceled_as_disabled", \.showsCanceledAsDisabled, .boolean),
        .value("running_grace_ms", \.runningGrace, .count(of: .milliseconds, 0...60_000)),
        .value("seed_shims", \.decodesSeedEra, .boolean),
    ]
}
