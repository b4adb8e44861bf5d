extension NodeFailure {
    /// Names that no node produces: to run one first would not help (execution-engine.md 3.6).
    private static let systemNames: Set<String> = [
        "settings", "trigger", "context", "apContext", "secrets", "env",
    ]
    /// Expressions shown in one message.
    private static let shownExpressions = 10

    /// `could not resolve variable <list> in <context>`, with a hint what to do about it.
    static func unresolved(_ markers: [TemplateResolver.Unresolved], in context: String) -> NodeFailure {
        var names = markers.prefix(shownExpressions).map { $0.expression.excerpt(200) }
        if markers.count > shownExpressions { names.append("… (\(markers.count) in all)") }
        return NodeFailure("could not resolve variable \(names.joined(separator: ", ")) in \(context)" + hint(markers))
    }

    private static func hint(_ markers: [TemplateResolver.Unresolved]) -> String {
        for marker in markers {
            if case .needsJavaScript = marker.reason, let reason = marker.reason { return ": \(reason)" }
        }
        let roots = markers.map { root(of: $0.expression) }
        guard let root = roots.first(where: { !systemNames.contains($0) && !$0.isEmpty }) else { return "" }
        return ". Make sure to run the '\(root.excerpt())' node first"
    }

    /// What stands before the first dot, bracket or blank of a path.
    private static func root(of expression: String) -> String {
        String(expression.prefix { !".[(?".contains($0) && !$0.isWhitespace })
    }
}
