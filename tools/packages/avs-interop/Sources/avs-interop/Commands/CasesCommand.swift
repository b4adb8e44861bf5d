import AVSPrimitives
import ArgumentParser

/// `avs-interop cases`
struct CasesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cases", abstract: "Run the interop cases against a server of any make.",
        discussion: """
            Prints {"case", "outcome", "detail", "seconds"} for each; the outcome is ok, failed or skipped. Exit status
            0 when none failed.
            """)

    @Option(help: ArgumentHelp("The server.", valueName: "host:port"))
    var target: String

    @Option(help: ArgumentHelp("A second server of the same kind, for pick_first_unary.", valueName: "host:port"))
    var second: String?

    @Option(name: .customLong("only"), help: ArgumentHelp("Only this case; may be repeated.", valueName: "case"))
    var names: [String] = []

    @Flag(help: "The server cannot see whether a request came compressed: leave out what asks for it.")
    var noProbes = false

    @OptionGroup var tls: ClientSecurityOptions

    func validate() throws {
        let known = InteropCase.allCases.map(\.rawValue)
        for name in names where !known.contains(name) {
            throw ValidationError("no case '\(name)'; there are: \(known.joined(separator: ", "))")
        }
    }

    func run() async throws {
        let server = ServerAddress(
            target: target, second: second, security: try tls.security(), isSecure: tls.authority != nil)
        var failures = 0
        for test in InteropCase.allCases where names.isEmpty || names.contains(test.rawValue) {
            let began = ContinuousClock.now
            let (outcome, detail) = await Self.outcome(of: test, server, probes: !noProbes)
            if outcome == "failed" { failures += 1 }
            Output.line([
                "case": .string(test.rawValue), "outcome": .string(outcome), "detail": .string(detail),
                "seconds": .number((ContinuousClock.now - began).inSeconds),
            ])
        }
        if failures > 0 { throw ExitCode.failure }
    }

    private static func outcome(
        of test: InteropCase, _ server: ServerAddress, probes: Bool
    ) async -> (outcome: String, detail: String) {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await test.run(server, probes: probes) }
                group.addTask {
                    try await Task.sleep(for: InteropCase.timeLimit)
                    throw CaseFailure("took more than \(InteropCase.timeLimit)")
                }
                try await group.next()
                group.cancelAll()
            }
            return ("ok", "")
        } catch let skipped as CaseSkipped {
            return ("skipped", skipped.reason)
        } catch {
            return ("failed", "\(error)")
        }
    }
}
