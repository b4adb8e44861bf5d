import AVSPrimitives
import AVSScriptFrames
import AVSThreads
import CSandbox
import Glibc

/// Tells the time that only goes forward (TIM-3).
typealias WorkerClock = @Sendable () -> ContinuousClock.Instant

/// The life of a worker process: puts up the layers around itself, greets, answers requests until the other end closes.
///
/// - Source: reliability-security.md JS-2, in its order.
public enum ScriptWorker {
    /// The socket to the aggregator, and the only descriptor there is at the start.
    static let socket: Int32 = 0
    /// Of processor time in a whole life, however many scripts that is.
    static let processorSecondsLimit: UInt = 3_600
    static let stackBytes = 8 << 20

    /// - Parameter arguments: the program's; see ``WorkerArguments``.
    public static func run(arguments: [String]) -> Never {
        do throws(ScriptFrameError) {
            try start(arguments)
        } catch {
            write(WorkerGreeting(error: error.description).body)
            _exit(WorkerExit.start.rawValue)
        }
    }

    private static func start(_ arguments: [String]) throws(ScriptFrameError) -> Never {
        let arguments = try WorkerArguments(arguments)
        let strangers = CSandbox_strangeDescriptors(socket)
        guard strangers == 0 else {
            throw ScriptFrameError(
                strangers < 0
                    ? "the open descriptors cannot be listed: \(describe(-strangers))"
                    : "\(strangers) descriptors are open that a worker must not have")
        }
        let lodash = try readFile(arguments.lodash)
        var layers = Layers()
        layers.put(.limits, CSandbox_limitResources(processorSecondsLimit))
        layers.put(.namespaces, CSandbox_isolate())
        // After the fork above: the file shows the process that opens it.
        let statistics = unsafe open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        let wake = CSandbox_counter()
        guard statistics >= 0, wake >= 0 else { throw ScriptFrameError("/proc/self/statm: \(describe(errno))") }
        layers.put(.hardening, CSandbox_harden())
        var version: Int32 = 0
        layers.put(.files, unsafe CSandbox_forbidFiles(&version))
        // The one place of this process that reads a clock.
        let clock: WorkerClock = { ContinuousClock.now }
        let watchdog = Watchdog(statistics: statistics, limitBytes: arguments.memoryBytes, wake: wake, clock: clock)
        let server = WorkerServer(
            arguments: arguments, lodash: lodash, layers: layers, watchdog: watchdog, clock: clock)
        // The engine wants to know the bounds of its stack. Those of the first thread stand in a file that cannot be
        // opened any more.
        do throws(ThreadError) {
            try startThread(nil, stackBytes: stackBytes) { server.serve() }
        } catch {
            throw ScriptFrameError("no thread for the engine: \(error)")
        }
        watchdog.guardProcess()
    }

    private static func readFile(_ path: String) throws(ScriptFrameError) -> [UInt8] {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw ScriptFrameError("\(path): \(describe(errno)); lodash comes with the Debian package libjs-lodash")
        }
        defer { close(file) }
        var content: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while content.count <= 2 << 20 {
            let count = unsafe part.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
            guard count >= 0 else { throw ScriptFrameError("\(path): \(describe(errno))") }
            if count == 0 { return content }
            content += part.prefix(count)
        }
        throw ScriptFrameError("\(path) is larger than 2 MiB")
    }

    static func describe(_ code: Int32) -> String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }

    // MARK: Frames

    /// Writes a frame; ends the process if nobody reads it any more.
    static func write(_ body: [UInt8]) {
        let frame = ScriptFrame.bigEndian(UInt32(clamping: body.count)) + body
        var rest = frame[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(socket, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                _exit(0)
            }
        }
    }

    /// Nil when the other end has closed.
    static func readFrame() throws(ScriptFrameError) -> [UInt8]? {
        guard let prefix = readBytes(ScriptFrame.prefixBytes), let length = ScriptFrame.length(prefix[...]) else {
            return nil
        }
        guard length <= ScriptFrame.requestLimitBytes else {
            throw ScriptFrameError("a request of \(length) bytes is over the limit")
        }
        return readBytes(length)
    }

    private static func readBytes(_ wanted: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: wanted)
        var have = 0
        while have < wanted {
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe read(socket, buffer.baseAddress.map { unsafe $0 + have }, wanted - have)
            }
            if count > 0 {
                have += count
            } else if count == 0 || errno != EINTR {
                return nil
            }
        }
        return bytes
    }
}

/// The layers that stand, and those that do not and why.
struct Layers: Sendable {
    var standing: [WorkerGreeting.Layer] = []
    var missing: [String: String] = [:]

    mutating func put(_ layer: WorkerGreeting.Layer, _ code: Int32) {
        if code == 0 {
            standing.append(layer)
        } else {
            missing[layer.rawValue] = ScriptWorker.describe(code)
        }
    }
}

/// `avs-script-worker MEMORY LODASH jit|nojit`.
struct WorkerArguments: Sendable {
    /// Resident memory at which the watchdog ends the process.
    var memoryBytes: Int
    /// Path of lodash's file.
    var lodash: String
    /// Memory may become executable.
    var hasJIT: Bool

    init(_ arguments: [String]) throws(ScriptFrameError) {
        guard arguments.count == 4, let memory = Int(arguments[1]), memory >= 32 << 20,
            ["jit", "nojit"].contains(arguments[3])
        else { throw ScriptFrameError("avs-script-worker is started by avs-aggregator only") }
        memoryBytes = memory
        lodash = arguments[2]
        hasJIT = arguments[3] == "jit"
    }
}
