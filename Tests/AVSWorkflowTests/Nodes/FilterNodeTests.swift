import AVSModel
import AVSPrimitives
import AVSTesting
import Testing

@testable import AVSWorkflow

private func filter(_ expression: String, _ input: String = "{{t.data.list}}") -> Node {
    Node(id: "F1", name: "f", config: .filter(FilterNode(expression: expression, inputVariable: input)))
}

private func variables(_ list: JSONValue) -> [String: JSONValue] {
    ["t": ["data": ["list": list, "min": 20]], "n": 5]
}

private let ages: JSONValue = [["age": 16], ["age": 18], ["age": 40]]

@Suite("A filter node")
struct FilterNodeTests {
    @Test(
        "EE-5.8, EE-NF5…EE-NF8 keeps the elements for which the expression holds",
        arguments: [
            ("value.age >= 18", ages, [["age": 18], ["age": 40]]),
            ("{{ t.data.min }} <= value.age", ages, [["age": 40]]),
            ("value.age >= t.data.min", ages, [["age": 40]]),
            ("{{ value.age >= 18 }}", ages, [["age": 18], ["age": 40]]),
            ("value.name.first === \"A\"", [["name": ["first": "A"]], ["x": 1]], [["name": ["first": "A"]]]),
            ("value.verified === true", [["verified": true], ["verified": "true"], [:]], [["verified": true]]),
            ("index > 0 && value !== 2", [1, 2, 3], [3]),
            ("value", [0, "", nil, "x", 1, [], false, "false"], ["x", 1, [], "false"]),
            ("value.age > 99", ages, []), ("true", [], []), ("nowhere.x > 1", ages, []),
            ("value === \"90071992547409931\"", ["90071992547409931", 1], ["90071992547409931"]),
            ("value.age >= 18;", ages, [["age": 18], ["age": 40]]), ("{{n}} > value; ;", [4, 5], [4]),
        ] as [(String, JSONValue, JSONValue)])
    func filters(expression: String, list: JSONValue, expected: JSONValue) async {
        let finished = await Sample.run(filter(expression), variables: variables(list))
        #expect(finished.step.success, "\(finished.step.error)")
        #expect(finished.step.output == expected && finished.data == expected)
    }

    @Test(
        "EE-5.8 takes one object as a list of one",
        arguments: [("value.age > 1", true), ("value.age > 50", false)])
    func single(expression: String, isKept: Bool) async {
        let finished = await Sample.run(
            filter(expression, "person"), variables: ["person": ["age": 40]])
        #expect(finished.step.output == (isKept ? [["age": 40]] : []))
        let failing = await Sample.run(filter("value.a.b > 1", "person"), variables: ["person": ["age": 40]])
        #expect(!failing.step.success && failing.step.error.contains("TypeError") && failing.step.output == nil)
    }

    @Test(
        "EE-NF4 fails without something to filter or to filter by",
        arguments: [
            ("", "{{t.data.list}}", "FilterNode expression is empty"), ("  ", "n", "FilterNode expression is empty"),
            ("true", "", "inputVariable is empty"),
            ("true", "{{t.data.none}}", "input variable '{{t.data.none}}' could not be resolved"),
            ("true", "nowhere", "input variable 'nowhere' could not be resolved"),
            ("true", "{{eval}}", "could not be resolved"), ("true", "{{ }}", "could not be resolved"),
            ("true", "{{n}}", "unsupported type number"), ("true", "{{t.data.list.length}}", "unsupported type number"),
        ])
    func failures(expression: String, input: String, error: String) async {
        let finished = await Sample.run(filter(expression, input), variables: variables(ages))
        #expect(!finished.step.success && finished.step.error.contains(error), "\(finished.step.error)")
        #expect(finished.step.output == nil && finished.data == nil)
    }

    @Test("refuses an expression of more than 100 KiB")
    func size() async {
        let finished = await Sample.run(
            filter("value" + String(repeating: " ", count: 102_396)), variables: variables(ages))
        #expect(finished.step.errorCode == .invalidNodeConfig && finished.step.error.contains("102401 bytes"))
    }

    @Test("EE-NF3 echoes its configuration")
    func echo() async {
        let finished = await Sample.run(filter("value.age > {{n}}"), variables: variables(ages))
        #expect(
            finished.step.config == ["expression": "value.age > {{n}}", "inputVariable": "{{t.data.list}}"])
        #expect(finished.step.kind == .node(.filter) && finished.step.inputs.contains("t.data"))
    }

    // MARK: What only JavaScript can tell

    @Test("EE-5.8, EE-NF5 asks the script runner once for all elements")
    func script() async {
        let scripts = FakeFunctions { _, arguments in
            arguments[0]["age"] == 18 ? .failure(.thrown("TypeError: no")) : .success(.json(arguments[0]["age"] ?? 0))
        }
        let finished = await Sample.run(
            filter("value.age % 2 === 0"), variables: variables([["age": 16], ["age": 18], ["age": 0]]),
            in: Sample.environment(scripts: scripts))
        #expect(finished.step.output == [["age": 16]])
        #expect(finished.step.log.contains("Skipped: 1 elements"))
        // Only the answer travels, not what the expression found.
        #expect(
            scripts.functions == [ScriptFunction(parameters: ["value", "index"], body: "!!(\nvalue.age % 2 === 0\n)")])
    }

    @Test("EE-5.8, EE-NF7 runs a text with statements as a function's body, but only where it is no expression")
    func statements() async {
        let scripts = FakeFunctions { function, _ in
            function.isExpression && function.body.contains("if (")
                ? .failure(.thrown("SyntaxError: Unexpected token")) : .success(.json(true))
        }
        let environment = Sample.environment(scripts: scripts)
        let body = "if (value > 1) { return true }"
        let finished = await Sample.run(filter(body), variables: variables([3]), in: environment)
        #expect(finished.step.output == [3])
        #expect(scripts.functions.map(\.isExpression) == [true, false] && scripts.functions[1].body == body)
        _ = await Sample.run(filter("value.verified % 2"), variables: variables([3]), in: environment)
        #expect(scripts.functions.count == 3)
    }

    @Test("EE-5.8 fails on what is no JavaScript, and at a limit")
    func errors() async {
        for error in [ScriptError.thrown("SyntaxError: Unexpected token '>'"), .limit("timeout after 2 s")] {
            let scripts = FakeFunctions { _, _ in .failure(error) }
            let finished = await Sample.run(
                filter("value.age >>>>> 18"), variables: variables(ages), in: Sample.environment(scripts: scripts))
            #expect(finished.step.error == "failed to evaluate filter expression: \(error)")
        }
        let alone = await Sample.run(filter("value.age % 2"), variables: variables(ages))
        #expect(alone.step.error.contains("needs the JavaScript engine"))
        // No empty list, as if each element had failed.
        for expression in ["value ==", "value.age > ", "value === 'x"] {
            #expect(!(await Sample.run(filter(expression), variables: variables(ages)).step.success), "\(expression)")
        }
    }
}
