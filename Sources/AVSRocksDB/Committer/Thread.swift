import AVSStorage
import Glibc

/// Starts a thread that runs `body` and then ends. For work that blocks in system calls for long.
///
/// - Parameter name: at most 15 bytes, as the kernel shows it.
func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) throws(StorageError) {
    // The thread takes over this reference and gives it back.
    let context = unsafe Unmanaged.passRetained(ThreadBody(name: name, run: body))
    var thread = pthread_t()
    let code = unsafe pthread_create(
        &thread, nil,
        { context in
            guard let context = unsafe context else { return nil }
            let body = unsafe Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue()
            nameThisThread(body.name)
            body.run()
            return nil
        }, context.toOpaque())
    guard code == 0 else {
        unsafe context.release()
        throw .system("pthread_create", name, code: code)
    }
    pthread_detach(thread)
}

/// Runs `body` on a thread of its own and waits for it without blocking the caller's.
func onThread<R: Sendable>(_ name: String, _ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        do {
            try startThread(name) { continuation.resume(with: Result(catching: body)) }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}

/// A courtesy to whoever looks at the process: failing to do it changes nothing.
private func nameThisThread(_ name: String) {
    do throws(StorageError) { try File("/proc/thread-self/comm", .readWrite).write(Array(name.utf8), at: 0) } catch {}
}

private final class ThreadBody: Sendable {
    let name: String
    let run: @Sendable () -> Void

    init(name: String, run: @escaping @Sendable () -> Void) {
        self.name = name
        self.run = run
    }
}
