import AVSCrypto

/// Whether the secret of the tokens is long enough to be used (JWT-5).
enum TokenSecretLength: Hashable {
    case enough
    /// Works, and is to be warned of.
    case weak(String)
    case refused(String)

    init(of secret: SharedSecret, in environment: DeploymentEnvironment) {
        let size = "has \(secret.bytes.count) bytes"
        do throws(JWTError) {
            switch try JWT(secret: secret).secretStrength {
            case .good: self = .enough
            case .weak where environment == .production: self = .refused("\(size): in production wanted at least 16")
            case .weak, .short: self = .weak("\(size): advised are at least 32")
            }
        } catch {
            self = .refused("is empty: anybody could make tokens")
        }
    }
}
