import AVSConfiguration
import AVSCrypto
import AVSEngine
import AVSPrimitives
import Foundation

/// The key that signs user operations.
enum ControllerKey {
    /// Of the keystore that the configuration names, or the one in the configuration itself; nil where there is none.
    ///
    /// - Throws: ``StartFailure`` for a keystore that cannot be read or opened, and for text that is no key.
    static func load(_ configuration: AggregatorConfiguration, _ facts: ProcessFacts) throws -> SigningKey? {
        let source = try StartFailure.explaining { () throws(ConfigurationError) in
            try configuration.controllerKey(facts)
        }
        switch source {
        case nil: return nil
        case .privateKey(let text):
            do {
                return try SigningKey(SecretBytes(hexText: SecretBytes(copying: text.exposed.utf8)))
            } catch {
                throw StartFailure(78, "the controller's private key is not 64 hex digits of a key")  // never the text
            }
        case .keystore(let path, let password):
            return try unlock(path, password)
        }
    }

    private static func unlock(_ path: String, _ password: Sensitive<String>) throws -> SigningKey {
        let file: FileHandle
        do {
            file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        } catch {
            throw StartFailure(78, "\(path) cannot be read: \(error.localizedDescription)")
        }
        defer { file.closeFile() }
        do {
            let content = try file.read(upToCount: KeystoreV3.sizeLimitBytes + 1) ?? Data()
            return try KeystoreV3(json: Array(content)).unlock(
                password: try SecretBytes(copying: password.exposed.utf8))
        } catch {
            throw StartFailure(78, "\(path): \(error)")
        }
    }
}
