/// Bounds of a ``ScriptPool``, and where it finds what it starts.
public struct ScriptPoolSettings: Hashable, Sendable {
    /// Path of `avs-script-worker`.
    public var executable: String
    /// Path of lodash's file; the Debian package libjs-lodash brings it.
    public var lodash = "/usr/share/javascript/lodash/lodash.min.js"
    /// Scripts that run at the same time.
    public var workers = 4
    /// Of one owner: never all places, so that endless loops of one delay nobody else's single script.
    public var workersPerOwner = 2
    /// Processes that wait, started and without an owner yet.
    public var spares = 2
    /// Resident memory of a worker (JS-4).
    public var memoryBytes = 128 << 20
    /// Off: no memory is both writable and executable, and loops are about ten times slower (JS-7).
    public var hasJIT = false
    /// Without every layer of JS-2 the pool does not start.
    public var requiresSandbox = true
    /// Scripts that wait for a worker (reliability-security.md 4.3).
    public var queueLimit = 256
    /// How long one waits before it is answered `overloaded`.
    public var queueWait: Duration = .seconds(2)
    /// Of custom code, and of a list of calls.
    public var programLimit: Duration = .seconds(10)
    /// Of expressions: templates and conditions.
    public var expressionLimit: Duration = .seconds(2)
    /// A worker is replaced after so many scripts (JS-3).
    public var scriptsPerWorker = 1_000
    /// A worker without work for so long is ended (JS-3).
    public var idleLimit: Duration = .seconds(60)

    public init(executable: String) { self.executable = executable }

    /// What the parent waits beyond a script's limit before it kills the worker (JS-4).
    static let grace: Duration = .milliseconds(500)
    /// From a process's start to its greeting; on a busy machine this takes a while.
    static let startLimit: Duration = .seconds(15)
    /// Between the starts of two spare processes. A start takes a core for some 30 ms, and two workers that share an
    /// owner's scripts reach their last one at about the same time: two starts at once would take both cores of a small
    /// machine from the scripts that run.
    static let spareInterval: Duration = .milliseconds(100)

    /// A worker that holds more than this between scripts is replaced: what is left would not be enough for the next.
    var retiringBytes: Int { memoryBytes / 8 * 5 }

    var arguments: [String] { ["avs-script-worker", "\(memoryBytes)", lodash, hasJIT ? "jit" : "nojit"] }

    /// Options of the engine. It knows the memory that a worker may hold, not that of the machine, so that it collects
    /// early; and not after every context, which is what the first megabyte would be.
    var environment: [String] {
        (hasJIT ? [] : ["JSC_useJIT=0"]) + [
            "JSC_useWasm=0", "JSC_useConcurrentGC=0", "JSC_numberOfGCMarkers=1", "JSC_forceRAMSize=\(memoryBytes)",
            "JSC_smallHeapSize=\(3 << 20)", "TZ=UTC",
        ]
    }
}

/// Why there is no pool.
public enum ScriptPoolError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The executable or what it needs is missing, or it fails at once.
    case cannotStart(String)
    /// Layer to reason.
    case missingLayers([String: String])

    public var description: String {
        switch self {
        case .cannotStart(let reason): "script workers do not start: \(reason)"
        case .missingLayers(let layers):
            "layers of the script sandbox are missing and script.require_sandbox is on: "
                + layers.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
        }
    }
}

/// Why a script has no answer; the texts are a closed set (JS-9, reliability-security.md 4.3).
public enum ScriptFailure: String, Hashable, Sendable, CaseIterable {
    /// It ran longer than it may.
    case timeout
    /// Its worker held more memory than it may.
    case outOfMemory = "out of memory"
    /// Its worker ended for another reason, did not start, or answered what is no answer.
    case workerFailed = "script worker failed"
    /// It waited too long for a worker, or too many waited. Worth another try later.
    case overloaded
    /// The caller went away.
    case cancelled
}

/// What the pool has done and does.
public struct ScriptPoolStatistics: Hashable, Sendable {
    /// Scripts in the queue.
    public var waiting = 0
    /// Scripts that workers run.
    public var running = 0
    /// Processes that are up, busy or not.
    public var processes = 0
    /// Processes that were started since the beginning.
    public var started = 0
    /// Requests that got an answer since the beginning.
    public var answered = 0
    /// Requests that got none since the beginning, by reason.
    public var failures: [ScriptFailure: Int] = [:]

    /// Of a pool that has done nothing.
    public init() {}
}
