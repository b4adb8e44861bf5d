import AVSModel
import AVSPrimitives
import Testing

@testable import avsctl

private func step(
    _ id: String, _ kind: StepKind = .node(.branch), error: String = "", output: JSONValue? = nil
) -> Step {
    let start = Timestamp(milliseconds: 1_000)
    return Step(
        id: id, name: id, kind: kind, success: error.isEmpty, error: error, output: output, startAt: start,
        endAt: Timestamp(milliseconds: 1_012))
}

private func edges(_ text: String) -> [Edge] {
    text.split(separator: " ").map { pair in
        let ends = pair.split(separator: ">").map(String.init)
        return Edge(id: "e", source: ends[0], target: ends[1])
    }
}

private let start = step("t", .trigger(.manual))

@Suite("A run as a tree")
struct ExecutionTreeTests {
    @Test("hangs each step under the one that it waited for last")
    func shape() {
        var told = step("tell", .node(.restAPI), error: "HTTP 500\nmore", output: ["status": 500])
        told.failedAttempts = [.init(startAt: told.startAt, endAt: told.endAt, error: "x", errorCode: .unspecified)]
        var sent = step("send", .node(.ethTransfer))
        (sent.gasUsed, sent.gasPrice, sent.totalGasCost) = ("21000", "2", "42000")
        let steps = [start, step("a", output: [1]), step("fork"), told, sent, step("end")]
        let tree = ExecutionTree(steps, edges: edges("t>a t>fork fork.yes>tell fork>send a>end tell>end send>end"))
        #expect(
            tree.lines == [
                "t (manual trigger): ok, 12 ms",
                "├─ a (branch): ok, 12 ms",
                "│     [1]",
                "└─ fork (branch): ok, 12 ms",
                "   ├─ tell (rest api): failed, 12 ms, after 1 failed attempt",
                "   │     HTTP 500 more",
                "   │     {\"status\":500}",
                "   └─ send (eth transfer): ok, 12 ms",
                "      │  gas 21000 at 2 wei: 42000 wei",
                "      └─ end (branch): ok, 12 ms; also waited for a, tell",
            ])
    }

    @Test("shows what no edge explains under the trigger; nothing for no steps")
    func strays() {
        #expect(ExecutionTree([], edges: edges("t>a")).lines == [])
        let tree = ExecutionTree([start, step("a"), step("b")], edges: edges("gone>a b>a"))
        #expect(tree.lines.count == 3 && tree.lines[1].hasPrefix("├─ a") && tree.lines[2].hasPrefix("└─ b"))
    }

    @Test("cuts long outputs and shows no control character")
    func cuts() {
        let output = JSONValue.string(String(repeating: "x", count: 500))
        let tree = ExecutionTree([start, step("a\u{1b}[31m", output: output)], edges: [])
        #expect(tree.lines.count == 3 && tree.lines[2].count == 3 + 3 + ExecutionTree.detailLimit + 1)
        #expect(!tree.lines.joined().contains("\u{1b}"))
    }

    @Test("of a chain of a thousand steps is as long")
    func long() {
        let steps = [start] + (0..<1_000).map { step("n\($0)") }
        let chain = (1..<1_000).map { Edge(id: "e", source: "n\($0 - 1)", target: "n\($0)") }
        #expect(ExecutionTree(steps, edges: chain).lines.count == 1_001)
    }
}
