import AVSConfiguration
import AVSCrypto
import AVSEngine

/// The root keys of the environment or of `keys_dir`. Asked again while the service runs, so that `avsctl root-keys
/// rotate` needs no restart; those of the environment stay what they were.
struct ConfiguredRootKeys: RootKeyProvider {
    let configuration: AggregatorConfiguration
    let facts: ProcessFacts

    func load() throws -> [RootKey] {
        var random = SecureRandom()
        return try configuration.rootKeys(facts, using: &random).map { try RootKey($0) }
    }
}
