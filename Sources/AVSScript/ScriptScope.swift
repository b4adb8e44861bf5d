import AVSPrimitives
import AVSWorkflow

/// Which variables a script gets: all of them but the secrets that it does not name (JS-8). Of many variables an
/// expression gets only those that its text names, so that a short condition does not carry a long list along.
enum ScriptScope {
    static func variables(
        _ variables: [String: JSONValue], for sources: [String], onlyNamed: Bool
    ) -> [String: JSONValue] {
        var scope = variables
        if onlyNamed, !sources.contains(where: reachesGlobals) {
            scope = scope.filter { name, _ in sources.contains { $0.hasBytes(of: name) } }
        }
        guard case .object(var context)? = scope["apContext"], case .object(let secrets)? = context["configVars"] else {
            return scope
        }
        context["configVars"] = .object(secrets.filter { name, _ in sources.contains { $0.hasBytes(of: name) } })
        scope["apContext"] = .object(context)
        return scope
    }

    /// The text may look variables up without naming them. An escape in a name would hide it too.
    private static func reachesGlobals(_ source: String) -> Bool {
        ["this", "eval", "Function", "constructor", "\\u"].contains(where: source.hasBytes)
    }
}
