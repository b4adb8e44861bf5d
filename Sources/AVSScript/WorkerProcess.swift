import AVSPrimitives
import AVSScriptFrames
import CSpawn
import Glibc
import Synchronization

/// One worker process: its socket and its life.
///
/// One thread at a time talks to it; ``kill()`` may come from any.
final class WorkerProcess: Sendable {
    /// How an exchange of a request for an answer ended.
    enum Exchange: Sendable {
        case answer([UInt8])
        /// No answer came in time.
        case late
        /// The worker closed its end or sent what is no frame.
        case broken
    }

    let socket: Int32
    private let life: Mutex<pid_t?>
    /// Its first words have been read.
    let isGreeted = Atomic(false)

    private let time: any TimeSource

    private init(socket: Int32, process: pid_t, time: any TimeSource) {
        self.socket = socket
        self.time = time
        life = Mutex(process)
    }

    deinit {
        kill()
        close(socket)
    }

    /// Nil once it is over.
    var processID: pid_t? { life.withLock { $0 } }

    // MARK: Beginning

    /// Starts a process from its own executable, with one end of a socket pair as descriptor 0, nothing else open, and
    /// only the engine's options in its environment (JS-1).
    ///
    /// The calling thread must outlive the process: the kernel ends a worker with the thread that started it.
    ///
    /// - Throws: ``ScriptPoolError/cannotStart(_:)``.
    static func start(
        _ settings: ScriptPoolSettings, time: any TimeSource
    ) throws(ScriptPoolError) -> WorkerProcess {
        var ends: [Int32] = [-1, -1]
        let made = unsafe ends.withUnsafeMutableBufferPointer {
            unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, $0.baseAddress)
        }
        guard made == 0, let ours = ends.first, let theirs = ends.last else {
            throw .cannotStart("socketpair: \(systemText(errno))")
        }
        defer { close(theirs) }
        var process = pid_t()
        let code = spawn(settings, descriptor: theirs, into: &process)
        guard code == 0 else {
            close(ours)
            throw .cannotStart("\(settings.executable): \(systemText(code))")
        }
        return WorkerProcess(socket: ours, process: process, time: time)
    }

    private static func spawn(_ settings: ScriptPoolSettings, descriptor: Int32, into process: inout pid_t) -> Int32 {
        let arguments = CStrings(settings.arguments)
        let environment = CStrings(settings.environment)
        return unsafe arguments.pointers.withUnsafeBufferPointer { arguments in
            unsafe environment.pointers.withUnsafeBufferPointer { environment in
                unsafe CSpawn_start(
                    settings.executable, arguments.baseAddress, environment.baseAddress, descriptor, &process)
            }
        }
    }

    // MARK: Talking

    /// The worker's first words.
    ///
    /// - Throws: ``ScriptPoolError/cannotStart(_:)`` if it says that it cannot work, or says nothing.
    func greeting(until deadline: ContinuousClock.Instant) throws(ScriptPoolError) -> WorkerGreeting {
        guard case .answer(let body) = read(until: deadline, limit: 64 << 10) else {
            throw .cannotStart("a script worker ended or hung before it was ready (\(ending().text))")
        }
        let greeting: WorkerGreeting
        do throws(ScriptFrameError) {
            greeting = try WorkerGreeting(body: body)
        } catch {
            throw .cannotStart("\(error)")
        }
        guard greeting.error.isEmpty else { throw .cannotStart(greeting.error) }
        return greeting
    }

    func ask(_ body: [UInt8], until deadline: ContinuousClock.Instant) -> Exchange {
        var rest = (ScriptFrame.bigEndian(UInt32(clamping: body.count)) + body)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe send(socket, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN || errno == EINTR {
                guard wait(for: Int16(POLLOUT), until: deadline) else { return .late }
            } else {
                return .broken
            }
        }
        return read(until: deadline, limit: ScriptFrame.answerLimitBytes)
    }

    /// Still there, and has said nothing that it was not asked for.
    var isQuiet: Bool {
        var byte: UInt8 = 0
        let count = unsafe withUnsafeMutableBytes(of: &byte) {
            unsafe recv(socket, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK))
        }
        return count < 0 && errno == EAGAIN
    }

    private func read(until deadline: ContinuousClock.Instant, limit: Int) -> Exchange {
        var bytes: [UInt8] = []
        var wanted = ScriptFrame.prefixBytes
        while true {
            // Waits first: whoever has just been asked has not answered yet.
            guard wait(for: Int16(POLLIN), until: deadline) else { return .late }
            switch receive() {
            case .part(let part): bytes += part
            case .nothing: continue
            case .end: return .broken
            }
            if wanted == ScriptFrame.prefixBytes, bytes.count >= wanted {
                guard let length = ScriptFrame.length(bytes.prefix(wanted)), length <= limit else { return .broken }
                wanted += length
            }
            // A worker speaks when it is asked: what follows an answer was not asked for.
            if wanted > ScriptFrame.prefixBytes, bytes.count >= wanted {
                return bytes.count == wanted ? .answer(Array(bytes.dropFirst(ScriptFrame.prefixBytes))) : .broken
            }
        }
    }

    private enum Received {
        case part([UInt8])
        case nothing
        /// The worker has closed its end.
        case end
    }

    /// What has come, up to 64 KiB.
    private func receive() -> Received {
        var code: Int32 = 0
        let part = unsafe [UInt8](unsafeUninitializedCapacity: 64 << 10) { space, count in
            let received = unsafe recv(socket, space.baseAddress, space.count, Int32(MSG_DONTWAIT))
            if received < 0 { code = errno }
            count = max(0, received)
        }
        switch code {
        case 0: return part.isEmpty ? .end : .part(part)
        case EAGAIN, EINTR: return .nothing
        default: return .end
        }
    }

    /// False when the deadline has come.
    private func wait(for events: Int16, until deadline: ContinuousClock.Instant) -> Bool {
        let left = deadline - time.monotonic
        guard left > .zero else { return false }
        var descriptor = pollfd(fd: socket, events: events, revents: 0)
        let milliseconds = Int32(clamping: Int64(left / .milliseconds(1)) + 1)
        _ = unsafe poll(&descriptor, 1, milliseconds)
        return true
    }

    // MARK: Ending

    /// Ends the process now, whatever it does. May come from any thread, and more than once.
    func kill() {
        life.withLock { process in
            guard let id = process else { return }
            Glibc.kill(id, SIGKILL)
            var status: Int32 = 0
            // It is dead; the kernel only has to say so.
            while unsafe waitpid(id, &status, 0) < 0, errno == EINTR {}
            process = nil
        }
    }

    /// Why it ended: waits a moment for a process that is about to, then kills it.
    func ending() -> WorkerEnding {
        for _ in 0..<200 {
            if let ending = life.withLock({ Self.reap(&$0) }) { return ending }
            var pause = timespec(tv_sec: 0, tv_nsec: 1_000_000)
            _ = unsafe nanosleep(&pause, nil)
        }
        kill()
        return .killed
    }

    private static func reap(_ process: inout pid_t?) -> WorkerEnding? {
        guard let id = process else { return .killed }
        var status: Int32 = 0
        guard unsafe waitpid(id, &status, WNOHANG) == id else { return nil }
        process = nil
        return WorkerEnding(status: status)
    }
}

/// What the kernel says about a process that is over.
enum WorkerEnding: Hashable, Sendable {
    case exited(Int32)
    case signalled(Int32)
    /// By ``WorkerProcess/kill()``.
    case killed

    init(status: Int32) {
        let signal = status & 0x7f
        self = signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
    }

    /// The closed texts of JS-9.
    var failure: ScriptFailure {
        switch self {
        case .exited(WorkerExit.timeout.rawValue): .timeout
        case .exited(WorkerExit.memory.rawValue): .outOfMemory
        // The kernel's limit of processor time, seen through the process that waits for the worker or directly.
        case .exited(128 + SIGXCPU), .signalled(SIGXCPU): .timeout
        case .exited, .signalled, .killed: .workerFailed
        }
    }

    var text: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signalled(let signal): "signal \(signal)"
        case .killed: "killed"
        }
    }
}

func systemText(_ code: Int32) -> String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
}

/// Copies of texts for C, with nil behind the last one.
@safe private final class CStrings {
    let pointers: [UnsafePointer<CChar>?]

    init(_ texts: [String]) {
        unsafe pointers = unsafe texts.map { unsafe UnsafePointer(strdup($0)) } + [nil]
    }

    deinit {
        for unsafe pointer in unsafe pointers { unsafe free(UnsafeMutablePointer(mutating: pointer)) }
    }
}
