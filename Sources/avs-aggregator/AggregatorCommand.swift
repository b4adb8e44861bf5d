import AVSConfiguration
import AVSRocksDB
import AVSServer
import AVSStorage
import ArgumentParser
import Foundation

/// The aggregator's program: flags, configuration, wiring.
@main
struct AggregatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "avs-aggregator",
        abstract: "Runs the AVS aggregator.",
        discussion: """
            Clients submit tasks to it over gRPC, operators report the triggers that fired, and it executes each task's
            graph exactly once per trigger. Everything it acknowledged is in its database before the answer leaves.

            A first start in an empty directory:
              avs-aggregator --config aggregator.yaml --init
            What is in effect, with every default, secrets left out:
              avs-aggregator --config aggregator.yaml --print-config

            SIGTERM or SIGINT drains: calls finish, runs get 30 s, what is left goes on at the next start. A second
            signal ends the process at once; that loses nothing either.

            Exit codes: 0 clean, 64 usage, 65 data corrupt or rolled back, 70 internal error, 74 a write failed and its
            outcome is unknown, 75 try later (locked, disk full, memory used up), 78 configuration.
            """)

    @Option(help: ArgumentHelp("The YAML file with the configuration.", valueName: "file"))
    var config: String

    @Flag(name: .customLong("init"), help: "Make a new database; its directory must be empty or absent.")
    var creates = false

    @Flag(help: "Print the configuration in effect, with all defaults and without secrets, and end.")
    var printConfig = false

    @Flag(help: "Delete the file that holds disk space in reserve, to get out of a full disk, and end.")
    var releaseBallast = false

    @Flag(help: "Run although the user is root. Never in production.")
    var allowRoot = false

    func run() async throws {
        do {
            try await start()
        } catch let failure as StartFailure {
            FileHandle.standardError.write(Data("avs-aggregator: \(failure.message)\n".utf8))
            throw ExitCode(failure.exitCode)
        }
    }

    private func start() async throws {
        Hardening.restrictNewFiles()
        let facts = ProcessFacts.takenFromProcess()
        let loaded = try StartFailure.explaining { () throws(ConfigurationError) in
            try AggregatorConfiguration.load(config, facts: facts)
        }
        if printConfig {
            for warning in loaded.warnings + loaded.withoutEffect {
                FileHandle.standardError.write(Data("avs-aggregator: \(warning)\n".utf8))
            }
            print(try loaded.value.printed())
            return
        }
        guard facts.userID != 0 || allowRoot else {
            throw StartFailure(64, "runs as its own user, not as root; --allow-root overrides this on a test machine")
        }
        if releaseBallast {
            try StartFailure.explaining { () throws(StorageError) in
                try RocksDBStore.releaseBallast(path: loaded.value.databasePath)
            }
            return
        }
        if loaded.value.environment == .production { try Hardening.forbidDumps() }
        let files = try Hardening.raiseFileLimit()
        try await Wiring(loaded: loaded, facts: facts, createsDatabase: creates, openFilesMax: files).run()
    }
}

/// Why the program could not start, and how it says so to a supervisor.
struct StartFailure: Error {
    var exitCode: Int32
    var message: String

    init(_ exitCode: Int32, _ message: String) {
        self.exitCode = exitCode
        self.message = message
    }

    static func explaining<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(StartFailure) -> Value {
        do { return try body() } catch { throw StartFailure(explaining: error) }
    }

    init(explaining error: any Error) {
        switch error {
        case let failure as StartFailure: self = failure
        case let failure as ConfigurationError: self.init(78, "\(failure)")
        case .notFound as StorageError: self.init(78, "\(error); --init makes a new one")
        case .corrupt as StorageError:
            self.init(
                65,
                "\(error); `avsctl store recover` shows what can be saved, `avsctl backup list` what there is beside it"
            )
        case .rolledBack as StorageError:
            self.init(65, "\(error); if that is meant, `avsctl store accept-rollback` lets it start")
        case let failure as StorageError: self.init(failure.exitCode, "\(failure)")
        case let failure as MemoryExhausted: self.init(75, "\(failure)")
        default: self.init(70, "\(error)")
        }
    }
}
