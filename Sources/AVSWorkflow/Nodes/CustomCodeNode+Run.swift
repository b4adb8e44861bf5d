import AVSModel
import AVSPrimitives

/// The custom code node: a piece of JavaScript, and what it returns.
///
/// - Source: execution-engine.md 5.6.
extension CustomCodeNode {
    static let sourceLimitBytes = 102_400

    func run(in context: NodeContext, log: inout [String]) async throws(NodeFailure) -> NodeOutcome {
        guard !source.isEmpty else { throw .missing("source") }
        try Self.checkSize(of: source, "source")
        let text = try await context.templates.resolve(source, in: "source")
        try Self.checkSize(of: text, "source after substitution")
        let report = await context.environment.scripts.run(ScriptProgram(text), variables: context.variables)
        log += report.console.map { "console: \($0)" }
        switch report.result {
        case .success(let value): return NodeOutcome(output: value.json)
        case .failure(let error): throw NodeFailure("failed to execute script: \(error)")
        }
    }

    private static func checkSize(of text: String, _ what: String) throws(NodeFailure) {
        guard text.utf8.count <= sourceLimitBytes else {
            throw .tooLarge(what, field: "source", size: text.utf8.count, limit: sourceLimitBytes)
        }
    }
}
