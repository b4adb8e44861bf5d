import ArgumentParser
import Glibc

/// `avsctl`: looks after an aggregator, through its rpcs or through the files of its database.
@main
struct Avsctl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "avsctl",
        abstract: "Looks after an aggregator.",
        discussion: """
            Start with `avsctl login`; `store`, `backup`, `root-keys`, `api-keys`, `operators` and `audit` need none. \
            Each command's --help has an example.

            Results go to standard output and nothing else does. With --json they are one JSON object per line.
            \(EndCode.help)
            """,
        subcommands: [
            LoginCommand.self, LogoutCommand.self, WhoAmICommand.self, TasksCommand.self, ExecutionsCommand.self,
            WalletsCommand.self, SecretsCommand.self, CountCommand.self, TokenCommand.self, FeesCommand.self,
            StoreCommand.self, BackupCommand.self, RootKeysCommand.self, APIKeysCommand.self, OperatorsCommand.self,
            AuditCommand.self,
        ])

    /// Parses, runs, and turns whatever goes wrong into a line on standard error and an exit code.
    static func main() async {
        signal(SIGPIPE, SIG_IGN)  // a reader that leaves is an error of a write, which ends us in order
        let command: any ParsableCommand
        do { command = try parseAsRoot() } catch { exit(withError: error) }
        do {
            try await run(command)
        } catch is ResultWriter.ReaderGone {
            return
        } catch let error where Self.exitCode(for: error) != .failure {
            exit(withError: error)  // what the parser's own commands say, such as help
        } catch {
            let failure = Failure(error)
            Note.write(failure.description)
            if let hint = failure.hint { Note.write("hint: \(hint)") }
            Glibc.exit(failure.code.rawValue)
        }
    }

    private static func run(_ command: any ParsableCommand) async throws {
        var command = command
        if var asynchronous = command as? any AsyncParsableCommand {
            try await asynchronous.run()
        } else {
            try command.run()
        }
    }
}
