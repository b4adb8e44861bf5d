/// What the workers that run scripts have done and do, for the metrics. Who starts them fills it in: the server does
/// not know how scripts are run.
public struct ScriptMetrics: Hashable, Sendable {
    /// Scripts that wait for a worker.
    public var waiting = 0
    /// Scripts that workers run.
    public var running = 0
    /// Worker processes that are up, busy or not.
    public var workers = 0
    /// Worker processes started since the beginning.
    public var started = 0
    /// Requests that got an answer since the beginning; an error that a script threw is one.
    public var answered = 0
    /// Requests that got none since the beginning, by reason, with a zero for what never happened: the reasons are a
    /// closed set of at most ``reasonLimit`` (LOG-5).
    public var failures: [String: Int] = [:]

    /// Reasons at most.
    public static let reasonLimit = 8

    public init() {}
}
