public import AVSCrypto
public import AVSPrimitives

/// Where a program gets the key that it signs with.
public enum SigningKeySource: Hashable, Sendable {
    /// A version 3 keystore and its password.
    case keystore(path: String, password: Sensitive<String>)
    /// 64 hex digits.
    case privateKey(Sensitive<String>)
}

extension OperatorConfiguration {
    /// The operator's key: the file's keystore with the environment's password, or the environment's key.
    ///
    /// - Throws: where neither is complete.
    public func signingKey(_ facts: ProcessFacts) throws(ConfigurationError) -> SigningKeySource {
        if let keystorePath {
            let password = try facts.required(.operatorPassword, for: "the keystore \(keystorePath)")
            return .keystore(path: keystorePath, password: password)
        }
        let key = try facts.required(.operatorKey, for: "signing without `ecdsa_private_key_store_path`")
        return .privateKey(try facts.checkedKey(key, .operatorKey))
    }

    /// The port that a check-in reports: of ``EnvironmentVariable/publicMetricsPort``, else of the metrics' address,
    /// else 8080 (aggregator-api 9.7).
    public func reportedMetricsPort(_ facts: ProcessFacts) -> UInt16 {
        if let text = facts.text(of: .publicMetricsPort) {
            return Digits.integer(text.exposed, as: UInt16.self) ?? 8080
        }
        return metricsAddress?.port ?? 8080
    }
}

extension AggregatorConfiguration {
    /// The controller's key; nil where none is configured, and nothing is written on a chain.
    ///
    /// - Throws: for a keystore without its password.
    public func controllerKey(_ facts: ProcessFacts) throws(ConfigurationError) -> SigningKeySource? {
        if let key = controller.privateKey { return .privateKey(key) }
        guard let path = controller.keystorePath else { return nil }
        return .keystore(path: path, password: try facts.required(.controllerPassword, for: "the keystore \(path)"))
    }

    /// The root keys of secrets at rest, the current one first: of ``EnvironmentVariable/rootKey``, else of `keys_dir`.
    /// Empty where there are none: the service starts, and whatever needs one says so (KMS-2).
    ///
    /// - Parameter generator: asked only where development makes a key.
    public func rootKeys(
        _ facts: ProcessFacts, using generator: inout some RandomNumberGenerator
    ) throws(ConfigurationError) -> [SharedSecret] {
        if let key = facts.text(of: .rootKey) {
            let name = EnvironmentVariable.rootKey.rawValue
            let lines = SecretLines(try SharedSecret(text: key.exposed, file: name))
            return try lines.keys(byteCount: KeysDirectory.rootKeyByteCount, file: name)
        }
        guard let keysDirectory else { return [] }
        let folder = KeysDirectory(path: keysDirectory, environment: environment, userID: facts.userID)
        return try folder.rootKeys(using: &generator)
    }

    /// The folder whose root keys can be changed; nil where they come from the environment, or nowhere.
    public func changeableRootKeys(_ facts: ProcessFacts) -> KeysDirectory? {
        guard facts.text(of: .rootKey) == nil, let keysDirectory else { return nil }
        return KeysDirectory(path: keysDirectory, environment: environment, userID: facts.userID)
    }

    /// The secrets of the tokens: of the file, else of `keys_dir`.
    ///
    /// - Parameter generator: asked only where development makes a key.
    public func tokenSecrets(
        _ facts: ProcessFacts, using generator: inout some RandomNumberGenerator
    ) throws(ConfigurationError) -> TokenSecrets {
        guard let jwtSecret else {
            let path = keysDirectory ?? ""
            return try KeysDirectory(path: path, environment: environment, userID: facts.userID)
                .tokenSecrets(using: &generator)
        }
        let current = try SharedSecret(text: jwtSecret.exposed, file: "jwt_secret")
        guard let previousJWTSecret else { return TokenSecrets(current: current) }
        let previous = try SharedSecret(text: previousJWTSecret.exposed, file: "jwt_secret_previous")
        return TokenSecrets(current: current, previous: previous)
    }
}

/// What signs tokens, and what else still checks them.
public struct TokenSecrets: Sendable {
    public var current: SharedSecret
    public var previous: SharedSecret?
    public var warnings: [ConfigurationProblem] = []
}

extension SharedSecret {
    /// - Parameter file: what the error names.
    convenience init(text: String, file: String) throws(ConfigurationError) {
        do throws(CryptoError) {
            self.init(try SecretBytes(copying: text.utf8))
        } catch {
            throw ConfigurationError(file: file, "\(error)")
        }
    }
}

extension ProcessFacts {
    fileprivate func required(
        _ variable: EnvironmentVariable, for purpose: String
    ) throws(ConfigurationError) -> Sensitive<String> {
        if let text = text(of: variable) { return text }
        throw ConfigurationError(file: variable.rawValue, "is not set in the environment: \(purpose) needs it")
    }

    fileprivate func checkedKey(
        _ key: Sensitive<String>, _ variable: EnvironmentVariable
    ) throws(ConfigurationError) -> Sensitive<String> {
        let format = ScalarFormat.privateKey
        if let key = format.parse(key.exposed, false) { return key }
        throw ConfigurationError(file: variable.rawValue, "is not allowed: wanted \(format.allowed)")
    }
}
