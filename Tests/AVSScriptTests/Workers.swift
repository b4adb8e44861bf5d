import AVSPrimitives
import AVSScript
import AVSTransport
import AVSWorkflow
import Foundation
import Logging
import Testing

/// A pool of real worker processes, for one test.
enum Workers {
    static let alice = Address("0x1111111111111111111111111111111111111111") ?? .zero
    static let bob = Address("0x2222222222222222222222222222222222222222") ?? .zero

    /// Beside the program that runs the tests, where the build puts both.
    static var executable: String {
        URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "avs-script-worker").path
    }

    /// What a test machine may lack, the sandbox may lack: a container often forbids namespaces.
    static var settings: ScriptPoolSettings {
        var settings = ScriptPoolSettings(executable: executable)
        settings.requiresSandbox = false
        settings.workers = 2
        settings.workersPerOwner = 1
        settings.spares = 1
        // The machine may be busy: a script that is well must never look like one that hangs.
        settings.queueWait = .seconds(60)
        settings.expressionLimit = .seconds(20)
        settings.programLimit = .seconds(20)
        return settings
    }

    static func with(
        _ change: (inout ScriptPoolSettings) -> Void = { _ in }, _ body: (ScriptPool) async throws -> Void
    ) async throws {
        var settings = settings
        change(&settings)
        let pool = try await ScriptPool.start(
            settings, time: SystemTime(), logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        defer { pool.close() }
        try await body(pool)
    }
}

extension ScriptPool {
    func run(
        _ source: String, _ variables: [String: JSONValue] = [:], for owner: Address = Workers.alice
    ) async -> ScriptReport {
        await serving(owner).run(ScriptProgram(source), variables: variables)
    }

    /// What a source returns; nil with an issue if it throws.
    func value(of source: String, _ variables: [String: JSONValue] = [:]) async -> JSONValue? {
        switch await run(source, variables).result {
        case .success(let value): return value.json
        case .failure(let error):
            Issue.record("\(source): \(error)")
            return nil
        }
    }

    /// What a source throws, or the limit that it meets; nil with an issue if it returns.
    func error(of source: String, _ variables: [String: JSONValue] = [:]) async -> String? {
        switch await run(source, variables).result {
        case .success(let value):
            Issue.record("\(source): \(value)")
            return nil
        case .failure(let error): return error.description
        }
    }
}
