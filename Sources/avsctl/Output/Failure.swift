import AVSClient
import AVSConfiguration
import AVSCrypto
import AVSEngine
import AVSModel
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
    /// Locked, no space, or a rate that is used up: try later.
    case later = 75
    /// Not logged in, or a file or variable is not as it should be.
    case configuration = 78

    static let help = """
        Exit status: 0 done, 1 not found or refused, 64 wrong usage, 65 damaged or undecodable data, \
        69 aggregator unavailable, 70 internal error, 74 input or output failed, 75 try later, 78 configuration or \
        not logged in.
        """
}

/// Why a command did not do what it was asked for, and what the program ends with.
struct Failure: Error, CustomStringConvertible {
    var code: EndCode
    var description: String
    /// What to do about it, on a line of its own.
    var hint: String?

    init(_ code: EndCode, _ description: String, hint: String? = nil) {
        self.code = code
        self.description = description
        self.hint = hint
    }

    /// The one table from errors to exit codes.
    init(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as ConfigurationError: self.init(.configuration, error.description)
        case let error as AggregatorError: self.init(Self.code(of: error), error.description, hint: Self.hint(error))
        case let error as KeystoreError: self.init(.configuration, "keystore: \(error)")
        case BackupError.notFound, BackupError.alreadyRunning, BackupError.alreadyStarted:
            self.init(.failed, "\(error)")
        case let error as BackupError: self.init(.damaged, error.description)
        case let error as StorageError:
            self.init(EndCode(rawValue: error.exitCode) ?? .internalError, error.description)
        default: self.init(.internalError, "\(error)")
        }
    }

    private static func code(of error: AggregatorError) -> EndCode {
        switch error {
        case .unavailable, .timedOut: .unavailable
        case .unauthenticated: .configuration
        case .limit(let limit, _): limit.retryAfter == nil ? .failed : .later
        default: .failed
        }
    }

    private static func hint(_ error: AggregatorError) -> String? {
        switch error {
        case .unauthenticated: return "log in with `avsctl login`"
        case .unavailable, .timedOut: return "which aggregator is called is said by --server or AVSCTL_SERVER"
        case .limit(let limit, _):
            return limit.retryAfter.map { "there is room again in \($0.components.seconds + 1) s" }
        case .notFound(let details):
            switch details.errorCode {
            case .taskNotFound: return "`avsctl tasks list` shows the tasks that there are"
            case .executionNotFound: return "`avsctl executions list TASK` shows the runs of a task"
            case .walletNotFound: return "`avsctl wallets list` shows the wallets that there are"
            case .secretNotFound: return "`avsctl secrets list` shows the secrets that there are"
            default: return nil
            }
        default: return nil
        }
    }
}
