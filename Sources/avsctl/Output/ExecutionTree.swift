import AVSModel
import AVSPrimitives

/// A run as a tree: each step under the one that it waited for last, with what it left behind.
///
///     start (manual trigger): ok, 0 ms
///     └─ asked (rest api): ok, 12 ms
///        │  {"status":200}
///        ├─ keep (filter): ok, 1 ms
///        └─ tell (loop): failed, 31 ms, after 1 failed attempt
///           │  1 of 3 iterations failed: HTTP 500: Internal Server Error
struct ExecutionTree {
    /// More of an output or error is cut.
    static let detailLimit = 160

    private let steps: [Step]
    /// Per step, the positions of the steps that are shown under it.
    private let children: [[Int]]
    /// Per step, further steps that it waited for.
    private let others: [[Int]]

    /// - Parameter edges: of the task as it is now; a step that no edge explains hangs under the trigger.
    init(_ steps: [Step], edges: [Edge]) {
        let positions = Dictionary(steps.enumerated().map { ($1.id, $0) }) { first, _ in first }
        var children = [[Int]](repeating: [], count: steps.count)
        var others = [[Int]](repeating: [], count: steps.count)
        for position in steps.indices.dropFirst() {
            let sources = edges.filter { $0.target == steps[position].id }.compactMap { edge in
                positions[edge.source] ?? edge.source.split(separator: ".").first.flatMap { positions[String($0)] }
            }
            // Steps stand in the order in which they ended: only what ended before can have been waited for.
            let before = Set(sources).filter { $0 < position }.sorted()
            children[before.last ?? 0].append(position)
            others[position] = Array(before.dropLast())
        }
        self.steps = steps
        self.children = children
        self.others = others
    }

    var lines: [String] {
        guard !steps.isEmpty else { return [] }
        var lines: [String] = []
        // A list instead of recursion: a chain may be as long as a task has nodes.
        var open = [(position: 0, indent: "", isLast: true)]
        while let (position, indent, isLast) = open.popLast() {
            let isRoot = position == 0
            lines.append(indent + (isRoot ? "" : isLast ? "└─ " : "├─ ") + title(of: position))
            let inner = isRoot ? "" : indent + (isLast ? "   " : "│  ")
            let below = children[position]
            let bar = below.isEmpty ? "   " : "│  "
            lines += details(of: steps[position]).map { inner + bar + $0 }
            for (index, child) in below.enumerated().reversed() {
                open.append((child, inner, index == below.count - 1))
            }
        }
        return lines
    }

    private func title(of position: Int) -> String {
        let step = steps[position]
        let words = step.kind.wireName.split(separator: "_").map { $0.lowercased() }
        let kind = words.dropFirst(2).joined(separator: " ") + (words.first == "trigger" ? " trigger" : "")
        let took = step.endAt.milliseconds.subtractingReportingOverflow(step.startAt.milliseconds).partialValue
        let name = Self.shown(step.name.isEmpty ? step.id : step.name)
        var title = "\(name) (\(kind)): \(step.success ? "ok" : "failed"), \(took) ms"
        switch step.failedAttempts.count {
        case 0: break
        case 1: title += ", after 1 failed attempt"
        case let count: title += ", after \(count) failed attempts"
        }
        let also = others[position].map { Self.shown(steps[$0].name) }
        return also.isEmpty ? title : "\(title); also waited for \(also.joined(separator: ", "))"
    }

    private func details(of step: Step) -> [String] {
        var lines: [String] = []
        if !step.error.isEmpty { lines.append(Self.shown(step.error)) }
        if let output = step.output { lines.append(Self.shown(output.serialized)) }
        if !step.totalGasCost.isEmpty {
            lines.append("gas \(step.gasUsed) at \(step.gasPrice) wei: \(step.totalGasCost) wei")
        }
        return lines
    }

    /// On one line, without control characters, cut.
    private static func shown(_ text: String) -> String {
        var shown = ""
        for (count, scalar) in text.unicodeScalars.enumerated() {
            if count == detailLimit { return shown + "…" }
            let isPlain = scalar.properties.generalCategory != .control && scalar.properties.generalCategory != .format
            shown.unicodeScalars.append(isPlain ? scalar : " ")
        }
        return shown
    }
}
