import AVSModel
import AVSPrimitives
import AVSWorkflow
import FuzzInputs

/// Graphs of tasks: a refusal is true, and an accepted graph runs exactly as the rule says that looks at all edges again
/// after each node.
///
/// A graph is words: `n1` is a node, `T>n1` an edge from the trigger, `n1>n2` and `n1.c1>n3` are others.
struct GraphTarget: Target {
    static let name = "graph"
    static let share = 100

    private static let words =
        (0..<9).flatMap { [" n\($0)", " n\($0)>", ">n\($0) ", " n\($0).c1>", " n\($0).c2>", " T>n\($0)"] }
        + [" n1.x", " n1.x.c1>n2", " T", ">T", " zzz>n1", " n1>zzz", " zzz.c1>n2", " ", ">", ".", "..", "T.c1>n1"]
    /// The slow model is slow.
    private static let modelLimitNodes = 24
    /// At most 300 nodes: the reference looks at all of them for each of them.
    private static let longestGraph = 600

    private let validator = TaskValidator()

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        Words.changed(seed, words: Self.words, splicing: other, &random)
    }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        let graph = SlowGraph(String(decoding: input.prefix(Self.longestGraph), as: UTF8.self))
        var plan: Plan?
        do throws(PlanError) {
            plan = try Plan(trigger: graph.trigger, nodes: graph.nodes, edges: graph.edges)
        } catch {
            guard graph.deserves(error) else { throw Finding("refused: \(error)") }
        }
        if let plan, let problem = graph.problem { throw Finding("\(problem), a plan of \(plan.nodes.count) nodes") }
        // What no task may have is refused when it is made, and what is wrong otherwise when it runs.
        let (refusal, isEmpty) = (refusal(of: graph), graph.nodes.isEmpty || graph.edges.isEmpty)
        guard (refusal == nil) == !(isEmpty || graph.isHopeless) else {
            throw Finding("the validator says '\(refusal ?? "yes")'")
        }
        if let plan, plan.nodes.count <= Self.modelLimitNodes { try run(plan, graph, &random) }
    }

    private func refusal(of graph: SlowGraph) -> String? {
        let settings: JSONValue = ["name": "fuzz", "runner": "0x1111111111111111111111111111111111111111"]
        let draft = TaskDraft(
            trigger: graph.trigger, nodes: graph.nodes, edges: graph.edges, inputVariables: ["settings": settings])
        do throws(InvalidArgument) {
            _ = try validator.check(draft, now: Timestamp(seconds: 1_767_225_600))
            return nil
        } catch {
            return error.message
        }
    }

    private func run(_ plan: Plan, _ graph: SlowGraph, _ random: inout Generator) throws(Finding) {
        var scheduler = EdgeScheduler(plan: plan)
        var ready = Set(scheduler.start())
        var finished: [Int: String?] = [:]
        while true {
            let expected = graph.settle(finished)
            guard ready == expected.ready, Set(scheduler.skipped) == expected.skipped else {
                throw Finding("after \(finished) \(ready) are ready and \(scheduler.skipped) skipped, not \(expected)")
            }
            guard scheduler.isActive == !ready.isEmpty else { throw Finding("active, with nothing to do") }
            guard let node = ready.sorted().dropFirst(random.below(ready.count)).first else { return }
            let selected = random.pick([nil, "c1", "c2", "x"], or: nil)
            ready.remove(node)
            finished[node] = .some(selected)
            let new = scheduler.finish(node, selected: selected)
            guard ready.isDisjoint(with: new), new.allSatisfy({ finished[$0] == nil }) else {
                throw Finding("\(new) are ready again after \(finished)")
            }
            ready.formUnion(new)
        }
    }
}
