import AVSModel
import AVSPrimitives
import Synchronization
import Testing

@testable import AVSWorkflow

/// Answers every program with one report and remembers what it was asked.
final class FakeScripts: ScriptRunner {
    private let report: ScriptReport
    private let received = Mutex<[ScriptProgram]>([])

    init(_ result: ScriptResult, console: [String] = []) { report = ScriptReport(result, console: console) }

    var programs: [ScriptProgram] { received.withLock { $0 } }

    func evaluate(_ expressions: [String], variables: [String: JSONValue]) async -> [ScriptResult] {
        await SimpleScriptRunner().evaluate(expressions, variables: variables)
    }

    func run(_ program: ScriptProgram, variables: [String: JSONValue]) async -> ScriptReport {
        received.withLock { $0.append(program) }
        return report
    }
}

@Suite("A custom code node")
struct CustomCodeNodeTests {
    private func run(
        _ source: String, language: Language? = .javaScript, scripts: any ScriptRunner = SimpleScriptRunner(),
        variables: [String: JSONValue] = [:], secrets: [String: String] = [:]
    ) async -> FinishedNode {
        let node = Node(id: "c", name: "code", config: .customCode(CustomCodeNode(language: language, source: source)))
        return await Sample.run(
            node, variables: variables, in: Sample.environment(scripts: scripts), secrets: secrets)
    }

    @Test("passes on what the script returned, and what it wrote")
    func success() async {
        let scripts = FakeScripts(.success(.json(["a": [1, nil]])), console: ["one", "two"])
        let finished = await run("return {a: [1, null]}", scripts: scripts)
        #expect(finished.step.success && finished.step.output == ["a": [1, nil]])
        #expect(finished.data == ["a": [1, nil]])
        #expect(finished.step.log.hasSuffix("\nconsole: one\nconsole: two"))
        #expect(scripts.programs.map(\.form) == [.body])
    }

    @Test(
        "reports undefined as null, digits and instants as texts",
        arguments: [
            (ScriptValue.undefined, JSONValue.null), (.bigInt("12"), "12"), (.json(.number(.nan)), 0),
            (.json(false), false),
        ])
    func conversions(_ value: ScriptValue, _ output: JSONValue) async {
        let finished = await run("x", scripts: FakeScripts(.success(value)))
        #expect(finished.step.success && finished.step.output == output)
    }

    @Test(
        "EE-NC4 fails with what the script threw, and with the limit that stopped it",
        arguments: [
            (ScriptError.thrown("Error: Intentional failure"), "Error: Intentional failure"),
            (.limit("timeout"), "timeout"),
        ])
    func failure(_ error: ScriptError, _ text: String) async {
        let finished = await run("return 1", scripts: FakeScripts(.failure(error), console: ["before"]))
        #expect(!finished.step.success && finished.step.error == "failed to execute script: \(text)")
        #expect(finished.step.errorCode == .unspecified && finished.step.output == nil && finished.data == nil)
        #expect(finished.step.log.contains("console: before"))
    }

    @Test("EE-NC8 refuses a source over 100 KiB with 3002, and none with 3006")
    func sizes() async {
        let full = await run(String(repeating: " ", count: 102_400), scripts: FakeScripts(.success(.json(1))))
        #expect(full.step.success)
        let over = await run(String(repeating: " ", count: 102_401), scripts: FakeScripts(.success(.json(1))))
        #expect(over.step.errorCode == .invalidNodeConfig && over.step.error.contains("maximum size"))
        let none = await run("", scripts: FakeScripts(.success(.json(1))))
        #expect(none.step.errorCode == .missingRequiredField && none.step.error == "source is required")
        let grown = await run(
            "'{{long}}'", scripts: FakeScripts(.success(.json(1))),
            variables: ["long": .string(String(repeating: "x", count: 102_400))])
        #expect(grown.step.errorCode == .invalidNodeConfig && grown.step.error.contains("after substitution"))
    }

    @Test("EE-NC14 has its templates resolved before it runs, P1 or fails by the field's name")
    func templates() async {
        let scripts = FakeScripts(.success(.json(1)))
        let finished = await run(#"const x = "{{t.data.a}}""#, scripts: scripts, variables: ["t": ["data": ["a": "v"]]])
        #expect(finished.step.success && scripts.programs.map(\.source) == [#"const x = "v""#])
        let missing = await run("return {{q.data.b}}", scripts: scripts)
        #expect(
            missing.step.error
                == "could not resolve variable q.data.b in source. Make sure to run the 'q' node first")
    }

    @Test("hides secrets in what the script wrote or threw")
    func secrets() async {
        let finished = await run(
            "return 1", scripts: FakeScripts(.failure(.thrown("no sesame")), console: ["my sesame"]),
            secrets: ["door": "sesame"])
        #expect(finished.step.error == "failed to execute script: no <door>")
        #expect(finished.step.log.contains("console: my <door>") && !finished.step.log.contains("sesame"))
    }

    @Test("says so where no JavaScript engine runs")
    func withoutEngine() async {
        let finished = await run("return 1")
        #expect(
            finished.step.error
                == "failed to execute script: custom code needs the JavaScript engine, which does not run here")
    }
}
