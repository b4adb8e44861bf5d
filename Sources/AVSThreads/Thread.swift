import Glibc

/// The system has no thread to give.
public struct ThreadError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What `pthread_create` answered: an errno value.
    public let code: Int32

    public var description: String {
        guard let text = unsafe strerror(code) else { return "pthread_create: error \(code)" }
        return unsafe "pthread_create: \(String(cString: text))"
    }
}

/// Starts a thread that runs `body` and then ends. For work that blocks in system calls for long: it would keep a
/// thread of Swift's own pool, of which there is one per core.
///
/// - Parameters:
///   - name: at most 15 bytes, as the kernel shows it; none for a process that opens no files any more.
///   - stackBytes: the system's choice unless given.
///   - body: released when it has run, or when there is no thread for it.
/// - Throws: ``ThreadError``.
public func startThread(
    _ name: String?, stackBytes: Int? = nil, _ body: sending @escaping () -> Void
) throws(ThreadError) {
    var attributes = pthread_attr_t()
    var code = unsafe pthread_attr_init(&attributes)
    guard code == 0 else { throw ThreadError(code: code) }
    defer { unsafe pthread_attr_destroy(&attributes) }
    code = unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    if code == 0, let stackBytes { code = unsafe pthread_attr_setstacksize(&attributes, stackBytes) }
    guard code == 0 else { throw ThreadError(code: code) }
    // The thread takes over this reference and gives it back.
    let context = unsafe Unmanaged.passRetained(ThreadBody(name: name, run: body))
    var thread = pthread_t()
    code = unsafe pthread_create(
        &thread, &attributes,
        { context in
            guard let context = unsafe context else { return nil }
            unsafe Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().start()
            return nil
        }, context.toOpaque())
    guard code == 0 else {
        unsafe context.release()
        throw ThreadError(code: code)
    }
}

private final class ThreadBody {
    private let name: String?
    private let run: () -> Void

    init(name: String?, run: @escaping () -> Void) {
        self.name = name
        self.run = run
    }

    func start() {
        if let name { Self.nameThisThread(name) }
        run()
    }

    /// A courtesy to whoever looks at the process: failing to do it changes nothing.
    private static func nameThisThread(_ name: String) {
        let file = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        let text = Array(name.utf8)
        _ = unsafe text.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
    }
}
