import AVSModel
import Testing

@testable import AVSWorkflow

/// A graph in short: `T>A` from the trigger, `A>B`, `b.if>X` from a condition. Nodes are the names that occur.
private struct Graph {
    var plan: Plan
    var names: [String]

    init(_ edges: String, nodes: [String]? = nil) throws {
        let pairs = edges.split(separator: " ").map { $0.split(separator: ">").map(String.init) }
        var names = nodes ?? []
        for pair in pairs where nodes == nil {
            for name in [pair[0].split(separator: ".")[0], pair[1][...]].map({ String($0) }) where name != "T" {
                if !names.contains(name) { names.append(name) }
            }
        }
        self.names = names
        plan = try Plan(
            trigger: Trigger(id: "T", name: "t", config: .manual(ManualTrigger())),
            nodes: names.map { Node(id: $0, name: $0, config: .branch(BranchNode(conditions: []))) },
            edges: pairs.enumerated().map { Edge(id: "e\($0)", source: $1[0], target: $1[1]) })
    }

    /// Runs to the end, one node at a time, always the first that is ready. `selected` says what branches choose.
    func run(selecting selected: [String: String] = [:]) -> (order: [String], skipped: [String]) {
        var scheduler = EdgeScheduler(plan: plan)
        var ready = scheduler.start()
        var order: [String] = []
        while !ready.isEmpty {
            let node = ready.removeFirst()
            order.append(names[node])
            ready += scheduler.finish(node, selected: selected[names[node]])
        }
        return (order, scheduler.skipped.map { names[$0] })
    }
}

@Suite("The edge scheduler")
struct EdgeSchedulerTests {
    @Test("EE-W6 runs a chain in order")
    func chain() throws {
        #expect(try Graph("T>A A>B B>C").run().order == ["A", "B", "C"])
    }

    @Test("EE-W7 starts all targets of the trigger at once")
    func fanOut() throws {
        var scheduler = EdgeScheduler(plan: try Graph("T>A T>B T>C").plan)
        #expect(scheduler.start() == [0, 1, 2])
    }

    @Test("EE-W8 waits for both arms of a diamond")
    func diamond() throws {
        var scheduler = EdgeScheduler(plan: try Graph("T>A T>B A>C B>C").plan)
        #expect(scheduler.start() == [0, 1])
        #expect(scheduler.finish(1) == [])
        #expect(scheduler.finish(0) == [2])
        #expect(scheduler.finish(2) == [])
        #expect(!scheduler.isActive)
    }

    @Test("EE-NB13 runs exactly one arm of a branch", arguments: [("if", "X", "Y"), ("else", "Y", "X")])
    func branch(condition: String, taken: String, dead: String) throws {
        let run = try Graph("T>b b.if>X b.else>Y").run(selecting: ["b": condition])
        #expect(run.order == ["b", taken])
        #expect(run.skipped == [dead])
    }

    @Test("EE-W9 leaves out everything behind the arm that was not taken")
    func longArm() throws {
        let run = try Graph("T>b b.if>X X>Y Y>Z b.else>E").run(selecting: ["b": "if"])
        #expect(run.order == ["b", "X", "Y", "Z"])
        #expect(try Graph("T>b b.if>X X>Y Y>Z b.else>E").run(selecting: ["b": "else"]).order == ["b", "E"])
    }

    @Test("EE-W10 runs a node with a plain and a branch edge once, on either path")
    func mixedTarget() throws {
        let graph = try Graph("T>b b.if>X X>E b.else>E")
        #expect(graph.run(selecting: ["b": "if"]).order == ["b", "X", "E"])
        #expect(graph.run(selecting: ["b": "else"]).order == ["b", "E"])
        #expect(graph.run(selecting: ["b": "else"]).skipped == ["X"])
    }

    @Test("EE-W11 joins two exclusive arms once (Q10)", arguments: ["if", "else"])
    func exclusiveJoin(condition: String) throws {
        let run = try Graph("T>b b.if>X X>J b.else>Y Y>J").run(selecting: ["b": condition])
        #expect(run.order == ["b", condition == "if" ? "X" : "Y", "J"])
    }

    @Test("EE-W12 runs the common target of both conditions once (Q10)", arguments: ["if", "else"])
    func sharedTarget(condition: String) throws {
        #expect(try Graph("T>b b.if>E b.else>E").run(selecting: ["b": condition]).order == ["b", "E"])
    }

    @Test("EE-NB6 takes no arm when nothing was selected, but the plain edges")
    func nothingSelected() throws {
        let run = try Graph("T>b b.if>X b>P").run()
        #expect(run.order == ["b", "P"])
        #expect(run.skipped == ["X"])
    }

    @Test("waits for a node although the trigger leads to the target too (Q10)")
    func triggerAndNode() throws {
        #expect(try Graph("T>A T>B A>B").run().order == ["A", "B"])
    }

    @Test("starts a node without incoming edges (Q11)")
    func orphan() throws {
        #expect(try Graph("T>A", nodes: ["A", "O"]).run().order == ["A", "O"])
    }

    @Test("never takes the condition of a node that does not exist")
    func unknownCondition() throws {
        let run = try Graph("T>A zzz.if>B", nodes: ["A", "B"]).run()
        #expect(run.order == ["A"])
        #expect(run.skipped == ["B"])
    }

    @Test("answers nothing to what it did not ask for")
    func misuse() throws {
        var scheduler = EdgeScheduler(plan: try Graph("T>A A>B").plan)
        #expect(scheduler.finish(0) == [])
        #expect(scheduler.start() == [0])
        #expect(scheduler.start() == [])
        #expect(scheduler.finish(1) == [])
        #expect(scheduler.finish(7) == [])
        #expect(scheduler.finish(0) == [1])
        #expect(scheduler.finish(0) == [])
    }

    @Test("follows and skips chains of a thousand nodes")
    func longChains() throws {
        let chain = (0..<999).map { "n\($0)>n\($0 + 1)" }.joined(separator: " ")
        #expect(try Graph("T>b b.if>n0 " + chain).run(selecting: ["b": "if"]).order.count == 1001)
        #expect(try Graph("T>b b.if>n0 " + chain).run().skipped.count == 1000)
    }
}

@Suite("A plan")
struct PlanTests {
    private func error(_ edges: String, nodes: [String]? = nil) -> PlanError? {
        do {
            _ = try Graph(edges, nodes: nodes)
            return nil
        } catch {
            return error as? PlanError
        }
    }

    @Test("EE-W4 refuses edges to and from nodes that do not exist, naming both")
    func unknown() {
        #expect(error("T>A A>zzz", nodes: ["A"])?.description == "target node 'zzz' in edge 'e1' not in TaskNodes")
        #expect(error("T>A zzz>A", nodes: ["A"])?.description == "source node 'zzz' in edge 'e1' not in TaskNodes")
        #expect(error("T>A zzz.if>B", nodes: ["A", "B"]) == nil)
    }

    @Test("EE-W5 refuses a trigger that leads nowhere")
    func noTriggerEdge() {
        #expect(error("A>B")?.description == "trigger 'T' has no outgoing edges")
    }

    @Test(
        "EE-W15 refuses cycles, also those through conditions",
        arguments: [
            "T>A A>B B>A", "T>A A>A", "T>b b.if>X X>b", "T>S S>A A>B B>C C>A",
        ])
    func cycles(edges: String) throws {
        guard case .cycle(let ids) = error(edges) else {
            Issue.record("accepted")
            return
        }
        // Every step of the named cycle is an edge.
        for (source, target) in zip(ids, ids.dropFirst() + ids.prefix(1)) {
            #expect(edges.contains("\(source)>\(target)") || edges.contains("\(source).if>\(target)"))
        }
    }

    @Test("refuses a graph in which every node waits")
    func nothingToStart() {
        #expect(
            error("zzz.if>A T>A", nodes: ["A"])?.description == "no node has an in-degree of 0 after trigger processing"
        )
    }

    @Test("refuses duplicate ids; nothing at all is a plan")
    func duplicates() {
        #expect(error("T>A", nodes: ["A", "A"]) == .duplicateNode("A"))
        #expect(error("", nodes: []) == nil)
    }

    @Test("finds the node before the condition when ids hold dots")
    func dots() throws {
        let plan = try Graph("T>a.b a.b.c.d>X a.b>Y", nodes: ["a.b", "X", "Y"]).plan
        #expect(plan.links[1].source == .condition(node: 0, id: Array("c.d".utf8)))
        #expect(plan.links[2].source == .node(0))
        #expect(plan.target(ofCondition: "c.d", at: 0)?.id == "X")
    }

    /// One text to Swift, two to everybody else.
    private static let (composed, decomposed) = ("\u{e9}", "e\u{301}")

    @Test("INP-1 tells the ends of edges apart by their bytes")
    func bytes() throws {
        let (one, two) = (Self.composed, Self.decomposed)
        #expect(error("T>\(two)", nodes: [one])?.description == "target node '\(two)' in edge 'e0' not in TaskNodes")
        #expect(
            error("T>\(one) \(two)>A", nodes: [one, "A"])?.description
                == "source node '\(two)' in edge 'e1' not in TaskNodes")
        #expect(try Graph("T>\(one) \(two).if>A T>A", nodes: [one, "A"]).plan.links[1].source == .nowhere)
        #expect(error("T>\(two)", nodes: [one, two]) == .duplicateNode(two), "two that nobody can tell apart")
        let trigger = Trigger(id: one, name: "t", config: .manual(ManualTrigger()))
        let edges = [Edge(id: "e0", source: two, target: "A")]
        #expect(throws: PlanError.unknownSource(two, edge: "e0")) {
            try Plan(trigger: trigger, nodes: [Sample.rest("A")], edges: edges)
        }
    }

    @Test("INP-1 takes the edges of a condition by the bytes of its id")
    func conditionBytes() throws {
        let (one, two) = (Self.composed, Self.decomposed)
        let plan = try Graph("T>b b.\(one)>X b.\(two)>Y", nodes: ["b", "X", "Y"]).plan
        #expect(plan.target(ofCondition: two, at: 0)?.id == "Y")
        var scheduler = EdgeScheduler(plan: plan)
        #expect(scheduler.start() == [0])
        #expect(scheduler.finish(0, selected: two) == [2] && scheduler.skipped == [1])
    }

    @Test("looks at no more of a long source than at where an id may end", .timeLimit(.minutes(1)))
    func longSource() throws {
        let dots = String(repeating: ".", count: 1 << 20)
        #expect(try Graph("T>A \(dots)>B", nodes: ["A", "B"]).plan.links[1].source == .nowhere)
    }
}
