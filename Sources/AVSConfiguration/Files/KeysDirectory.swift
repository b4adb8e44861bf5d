public import AVSCrypto
import AVSPrimitives
import Glibc

/// The folder with the service's own keys: `keys_dir`.
///
///     jwt_secret            any bytes, without the line feed at its end: signs and checks tokens
///     jwt_secret_previous   the same: still checks them
///     root_key              64 hex digits per line: the first seals secrets at rest, the others still open them
///
/// Each file has mode 0600 and belongs to the user that runs the service, or to root. Only in development, missing
/// ones are made.
///
/// - Source: KMS-2, KMS-3, JWT-5.
public struct KeysDirectory: Sendable {
    public let path: String
    private let environment: DeploymentEnvironment
    private let userID: UInt32

    /// Bytes of a root key.
    public static let rootKeyByteCount = 32
    static let sizeLimitBytes = 64 << 10

    public init(path: String, environment: DeploymentEnvironment, userID: UInt32) {
        self.path = path
        self.environment = environment
        self.userID = userID
    }

    /// The secrets of the tokens: the one that signs, and the one that only checks.
    ///
    /// - Parameter generator: asked only where a key has to be made.
    /// - Throws: what is wrong with a file; a missing or short `jwt_secret` in production; an empty one.
    public func tokenSecrets(
        using generator: inout some RandomNumberGenerator
    ) throws(ConfigurationError) -> TokenSecrets {
        try checkFolder()
        var warnings: [ConfigurationProblem] = []
        try makeIfAllowed("jwt_secret", using: &generator)
        guard let current = try secret("jwt_secret", &warnings) else {
            throw ConfigurationError(file: file("jwt_secret"), "does not exist, and is made only in development")
        }
        let previous = try secret("jwt_secret_previous", &warnings)
        return TokenSecrets(current: current, previous: previous, warnings: warnings)
    }

    /// The root keys, the current one first; empty where there are none, and secrets cannot be used (KMS-2).
    ///
    /// - Parameter generator: asked only where a key has to be made.
    public func rootKeys(using generator: inout some RandomNumberGenerator) throws(ConfigurationError) -> [SharedSecret]
    {
        try checkFolder()
        try makeIfAllowed("root_key", using: &generator)
        guard let text = try privateContent("root_key") else { return [] }
        return try SecretLines(text).keys(byteCount: Self.rootKeyByteCount, file: file("root_key"))
    }

    private func file(_ name: String) -> String { FilePaths.join(path, name) }

    /// Nobody else may put files there.
    private func checkFolder() throws(ConfigurationError) {
        guard let folder = try OpenFile.open(path) else { return }
        let facts = try folder.facts()
        guard facts.mode & 0o022 == 0, facts.ownerID == userID || facts.ownerID == 0 else {
            throw ConfigurationError(file: path, "can be changed by others: wanted a folder of mode 0700 of your own")
        }
    }

    private func secret(
        _ name: String, _ warnings: inout [ConfigurationProblem]
    ) throws(ConfigurationError) -> SharedSecret? {
        guard let content = try privateContent(name) else { return nil }
        let secret = SharedSecret(try SecretLines(content).withoutLastLineFeed(file: file(name)))
        switch TokenSecretLength(of: secret, in: environment) {
        case .refused(let reason): throw ConfigurationError(file: file(name), reason)
        case .weak(let reason):
            warnings.append(ConfigurationProblem(file: file(name), position: nil, key: "", message: reason))
        case .enough: break
        }
        return secret
    }

    /// The content of a file that only its owner can read; nil where there is none.
    func privateContent(_ name: String) throws(ConfigurationError) -> SharedSecret? {
        guard let open = try OpenFile.open(file(name)) else { return nil }
        let facts = try open.facts()
        guard facts.isRegular else { throw ConfigurationError(file: file(name), "is not a regular file") }
        if let exposure = facts.exposure(to: userID) { throw ConfigurationError(file: file(name), exposure) }
        guard facts.byteCount <= Self.sizeLimitBytes else {
            throw ConfigurationError(file: file(name), "is larger than \(Self.sizeLimitBytes) bytes")
        }
        do {
            return SharedSecret(try SecretBytes(capacity: facts.byteCount) { try open.read(into: $0) })
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw ConfigurationError(file: file(name), "\(error)")
        }
    }

    private func makeIfAllowed(
        _ name: String, using generator: inout some RandomNumberGenerator
    ) throws(ConfigurationError) {
        guard environment == .development, access(file(name), F_OK) != 0, errno == ENOENT else { return }
        let words = (0..<Self.rootKeyByteCount / 8).map { _ in generator.next() }
        let bytes = words.flatMap { word in withUnsafeBytes(of: word) { Array($0) } }
        try NewPrivateFile(path: file(name), folder: path).write(Array((Hex.encode(bytes) + "\n").utf8))
    }
}
