import AVSClient
import AVSConfiguration
import AVSCrypto
import AVSRPC
import AVSStorage

/// How the program ends (reliability-security 1.5; a shell tells the reasons apart).
enum EndCode: Int32, CaseIterable {
    case done = 0
    /// What was asked for is not there, or was refused.
    case failed = 1
    case usage = 64
    /// Data is damaged, cannot be decoded, or breaks a rule.
    case damaged = 65
    /// The aggregator cannot be reached, or did not answer in time.
    case unavailable = 69
    case internalError = 70
    case writeFailed = 74
    /// Locked, or no space: try later.
    case later = 75
    case configuration = 78

    static let help = """
        Exit status: 0 done, 1 not found or refused, 64 wrong usage, 65 damaged or undecodable data, \
        69 aggregator unavailable, 70 internal error, 74 input or output failed, 75 try later, 78 configuration.
        """
}

/// Why a command did not do what it was asked for, and what the program ends with.
struct Failure: Error, CustomStringConvertible {
    var code: EndCode
    var description: String

    init(_ code: EndCode, _ description: String) {
        self.code = code
        self.description = description
    }

    /// The one table from errors to exit codes.
    init(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as ConfigurationError: self.init(.configuration, error.description)
        case let error as AggregatorError: self.init(Self.code(of: error), error.description)
        case let error as KeystoreError: self.init(.configuration, "keystore: \(error)")
        case let error as StorageError: self.init(EndCode(rawValue: error.exitCode) ?? .internalError, error.description)
        default: self.init(.internalError, "\(error)")
        }
    }

    private static func code(of error: AggregatorError) -> EndCode {
        switch error {
        case .unavailable, .timedOut: .unavailable
        default: .failed
        }
    }
}
