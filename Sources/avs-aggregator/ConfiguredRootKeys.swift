import AVSConfiguration
import AVSCrypto
import AVSEngine
import Synchronization

/// The root keys of the environment or of `keys_dir`. Asked again while the service runs, so that `avsctl root-keys
/// rotate` needs no restart; those of the environment stay what they were.
final class ConfiguredRootKeys: RootKeyProvider {
    private let configuration: AggregatorConfiguration
    private let facts: ProcessFacts
    private let wasAsked = Mutex(false)

    init(configuration: AggregatorConfiguration, facts: ProcessFacts) {
        self.configuration = configuration
        self.facts = facts
    }

    /// Development makes a missing key, and only at the start: one that disappears later is not replaced by another.
    func load() throws -> [RootKey] {
        var random = SecureRandom()
        var configuration = configuration
        let isFirst = wasAsked.withLock { wasAsked in
            defer { wasAsked = true }
            return !wasAsked
        }
        if !isFirst { configuration.environment = .production }
        return try configuration.rootKeys(facts, using: &random).map { try RootKey($0) }
    }

    func rotate() throws -> RootKey.ID {
        var random = SecureRandom()
        return try changing { (folder) throws(ConfigurationError) in try folder.rotateRootKey(using: &random) }
    }

    func retire(_ id: RootKey.ID) throws {
        try changing { (folder) throws(ConfigurationError) in try folder.retireRootKey(id) }
    }

    private func changing<Value>(_ body: (KeysDirectory) throws(ConfigurationError) -> Value) throws -> Value {
        guard let folder = configuration.changeableRootKeys(facts) else { throw RootKeyFileTrouble.fixed }
        do throws(ConfigurationError) {
            return try body(folder)
        } catch {
            throw RootKeyFileTrouble("\(error)")
        }
    }
}
