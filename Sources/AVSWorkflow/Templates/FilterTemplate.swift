import AVSPrimitives

/// The older substitution, used only for filter expressions that contain markers.
///
/// It differs from ``TemplateResolver``: what has no value stays as it was written, numbers between dots are indices,
/// and `{{date.now}}` and `{{date.now_iso}}` are the time. After ten failures in a row the rest stays as it is.
///
/// - Source: execution-engine.md 3.7.
enum FilterTemplate {
    static let consecutiveFailureLimit = 10

    static func substitute(
        _ text: String, variables: [String: JSONValue], scripts: any ScriptRunner, now: Timestamp
    ) async -> String {
        var result = ""
        var failures = 0
        for piece in Template(text).pieces {
            switch piece {
            case .text(let text): result += text
            case .marker(let expression, let source):
                guard failures < consecutiveFailureLimit,
                    let replacement = await value(expression, variables: variables, scripts: scripts, now: now)
                else {
                    failures += 1
                    result += source
                    continue
                }
                failures = 0
                result += replacement
            }
        }
        return result
    }

    /// Nil for a marker that stays.
    private static func value(
        _ text: String, variables: [String: JSONValue], scripts: any ScriptRunner, now: Timestamp
    ) async -> String? {
        switch text {
        case "date.now": return String(now.milliseconds)
        case "date.now_iso": return now.iso8601
        case _ where text.hasPrefix("date."): return nil
        default: break
        }
        let result: ScriptResult
        switch MarkerExpression(text, digitsAreIndices: true) {
        case .deleted, .hyphenated: return nil
        case .forbidden: return "undefined"
        case .path(let path, let script):
            result = await scripts.evaluate(path, elseScript: script, variables: variables)
        case .script(let script): result = await scripts.evaluate(script, variables: variables)
        }
        guard case .success(let value) = result, value != .undefined else { return nil }
        return TemplateText.plain(value)
    }
}
