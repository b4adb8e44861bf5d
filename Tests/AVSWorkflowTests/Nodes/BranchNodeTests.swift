import AVSModel
import AVSPrimitives
import Testing

@testable import AVSWorkflow

private let conditions: [(String, String, String)] = [
    ("c1", "if", "v > 10"), ("c2", "if", "v > 4"), ("c3", "else", ""),
]

private func branch(_ conditions: [(String, String, String)]) -> Node {
    Node(
        id: "B1", name: "b",
        config: .branch(BranchNode(conditions: conditions.map { .init(id: $0, type: $1, expression: $2) })))
}

/// An `if` with this expression and an `else`: whether the `if` was taken.
private func holds(_ expression: String, _ variables: [String: JSONValue] = [:]) async -> Bool {
    let finished = await Sample.run(branch([("yes", "if", expression), ("no", "else", "")]), variables: variables)
    #expect(finished.step.success)
    return finished.selectedCondition == "yes"
}

@Suite("A branch node")
struct BranchNodeTests {
    @Test("EE-NB1 takes the first condition that holds", arguments: [(12, "c1"), (5, "c2"), (1, "c3")])
    func first(value: Double, selected: String) async {
        let finished = await Sample.run(branch(conditions), variables: ["v": .number(value)])
        #expect(finished.selectedCondition == selected)
        #expect(finished.step.output == ["conditionId": .string("B1.\(selected)")])
    }

    @Test("EE-NB2 ignores what follows the else, and begins with an if")
    func order() async {
        let after = await Sample.run(branch([("a", "if", "false"), ("e", "else", ""), ("z", "if", "true")]))
        #expect(after.selectedCondition == "e")
        let elseFirst = await Sample.run(branch([("e", "else", ""), ("a", "if", "true")]))
        #expect(!elseFirst.step.success)
        #expect(elseFirst.step.error.contains("first condition"))
        let none = await Sample.run(branch([]))
        #expect(none.step.error == "there is no condition to evaluate")
        #expect(none.selectedCondition == nil && none.data == nil)
    }

    @Test(
        "EE-NB3 EE-NB4 EE-NB5 does not take what is empty, no boolean, or cannot be evaluated",
        arguments: [
            "", "   ", "{{ }}", "1", "\"x\"", "v", "nothing.there", "v >", "((", "eval(1)", "process.env",
            "v.constructor",
        ])
    func notTaken(expression: String) async {
        #expect(!(await holds(expression, ["v": [:]])))
    }

    @Test("EE-9 refuses an expression of more than 100 KiB", arguments: ["true", "{{v}}"])
    func size(expression: String) async {
        func run(_ size: Int) async -> Step {
            let text = expression + String(repeating: " ", count: size - expression.utf8.count)
            return await Sample.run(branch([("a", "if", text)]), variables: ["v": true]).step
        }
        #expect(await run(102_400).success)
        let step = await run(102_401)
        #expect(step.error == "branch expression exceeds maximum size limit: 102401 bytes (max: 102400 bytes)")
        #expect(step.errorCode == .invalidNodeConfig)
    }

    @Test(
        "EE-NB5 says why in its log",
        arguments: [
            ("", "If: false (empty expression)"), ("{{ }}", "If: false (empty expression)"),
            ("1", "If: false (non-boolean result)"), ("eval", "If: false (security validation failed)"),
            ("nope > 1", "If: false (evaluation error)\nError: ReferenceError: nope is not defined"),
            (
                "v.map(x)",
                "If: false (evaluation error)\nError: '(' at this place of an expression needs the JavaScript engine"
            ),
            (
                "{{v.n * 2}} > 1",
                "If: false (evaluation error)\nError: '*' in an expression needs the JavaScript engine"
            ),
        ])
    func logOfFailures(expression: String, text: String) async {
        let finished = await Sample.run(
            branch([("y", "if", expression), ("n", "else", "")]), variables: ["v": ["n": 1]])
        #expect(finished.step.log.contains(text))
        #expect(finished.selectedCondition == "n")
    }

    @Test("EE-NB6 succeeds without output when nothing holds")
    func nothing() async {
        let finished = await Sample.run(branch([("a", "if", "false")]))
        #expect(finished.step.success)
        #expect(finished.step.output == nil)
        #expect(finished.selectedCondition == nil)
        #expect(finished.data == ["condition_results": []])
        #expect(finished.step.log.hasSuffix("No branch condition evaluated to true."))
    }

    @Test("EE-NB7 reads what is missing as undefined")
    func missing() async {
        #expect(await holds("typeof x.data === \"undefined\"", ["x": [:]]))
        #expect(await holds("token?.amount > 0", ["token": ["amount": 1]]))
        #expect(!(await holds("token?.amount > 0", ["token": nil])))
    }

    @Test(
        "takes markers around operands, around the whole, or none",
        arguments: [
            "a.data.n > 2", "{{a.data.n}} > 2", "{{a.data.n > 2}}", "{{a.data.n}} === 3 && a.data.ok",
            "\"{{a.data.s}}\" == \"x\"",
            "{{ a.data.n }}>2", "'{{a.data.s}}' === 'x'",
        ])
    func styles(expression: String) async {
        #expect(await holds(expression, ["a": ["data": ["n": 3, "ok": true, "s": "x"]]]))
    }

    @Test("EE-NB10 reports each condition that it looked at")
    func report() async {
        let finished = await Sample.run(
            branch([("c1", "if", "{{a.data.n > 5}}"), ("c2", "else", ""), ("c3", "if", "true")]),
            variables: ["a": ["data": ["n": 3]]])
        #expect(
            finished.step.metadata?["conditionEvaluations"] == [
                [
                    "index": 0, "id": "c1", "type": "if", "label": "If", "expression": "{{a.data.n > 5}}",
                    "evaluated": true, "result": false, "taken": false, "processedExpr": "false",
                    "variableValues": [
                        "leftExpr": "a.data.n", "operator": ">", "rightExpr": "5", "left": 3, "right": 5,
                    ],
                ],
                [
                    "index": 1, "id": "c2", "type": "else", "label": "Else", "expression": "", "evaluated": true,
                    "result": true, "taken": true, "processedExpr": "", "variableValues": nil,
                ],
            ])
    }

    @Test("EE-NB11 logs comparisons with their values and where it led")
    func log() async {
        let variables: [String: JSONValue] = [
            "s": .string(String(repeating: "y", count: 60)), "o": ["a": 1, "b": 2], "l": [1, 2, 3], "z": nil,
        ]
        let target = Node(id: "X", name: "next", config: .branch(BranchNode(conditions: [])))
        let node = branch([
            ("a", "if", "s === 'x'"), ("b", "if", "o == null"), ("c", "if", "l === z"), ("d", "if", "!z"),
        ])
        let finished = await Sample.run(node, variables: variables, target: { $0 == "d" ? target : nil })
        let expected = [
            "Executing 'b' (b1)",
            "If condition resolved to false", "Expression: s === 'x'",
            "Evaluated: \"\(String(repeating: "y", count: 50))…\" === \"x\"",
            "ElseIf condition resolved to false", "Expression: o == null",
            "Evaluated: {object with 2 keys} == null",
            "ElseIf condition resolved to false", "Expression: l === z", "Evaluated: [array with 3 items] === null",
            "ElseIf condition resolved to true", "Expression: !z",
            "", "BranchNode 'b' resolved to ElseIf condition -> led to node 'next'",
        ]
        #expect(finished.step.log == expected.joined(separator: "\n"))
        #expect(finished.data == ["condition_results": [["id": "d", "result": true, "next_node_id": "X"]]])
        let alone = await Sample.run(branch([("a", "if", "true")]))
        #expect(alone.step.log.hasSuffix("BranchNode 'b' resolved to If condition -> no next node"))
    }

    @Test("EE-NB12 treats an unresolved marker as the word undefined")
    func unresolved() async {
        #expect(!(await holds("{{nope.data.n}} > 1")))
        #expect(await holds("typeof {{nope.data.n}} === 'undefined'"))
    }

    @Test("leaves anything else to a script runner when there is one")
    func scriptRunner() async {
        let finished = await Sample.run(
            branch([("a", "if", "list.find(x => x > 1) < BigInt('5')")]), variables: ["list": [1, 2]],
            in: Sample.environment(scripts: Always()))
        #expect(finished.selectedCondition == "a")
        #expect(
            finished.step.metadata?["conditionEvaluations"]?[0]?["variableValues"]?["right"] == "5")
    }

    /// Answers true, and a BigInt for operands: what a real engine would.
    private struct Always: ScriptRunner {
        func evaluate(_ expressions: [String], variables: [String: JSONValue]) async -> [ScriptResult] {
            expressions.map { $0.hasPrefix("(") ? .success(.json(true)) : .success(.bigInt("5")) }
        }
    }

    @Test(
        "finds the operator outside of everything that encloses",
        arguments: [
            ("a[b > 1] === c", "===", "a[b > 1]", "c"), ("f('a<b') < 2", "<", "f('a<b')", "2"),
            ("a.find(t => t > 1) >= 0", ">=", "a.find(t => t > 1)", "0"), ("a != b", "!=", "a", "b"),
            ("a !== 'x === y'", "!==", "a", "'x === y'"), ("x == {a: 1 < 2}", "==", "x", "{a: 1 < 2}"),
        ])
    func operators(expression: String, sign: String, left: String, right: String) {
        let text = ComparisonText(expression)
        #expect(text?.sign == sign && text?.left == left && text?.right == right)
    }

    @Test("finds none where there is none", arguments: ["a", "!a", "(a > b)", "a => b", "'a > b'", "> 1", "a >", ""])
    func noOperator(expression: String) { #expect(ComparisonText(expression) == nil) }
}
