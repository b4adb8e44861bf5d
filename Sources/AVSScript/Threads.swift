import Glibc

/// Runs `body` on a thread of its own, for work that blocks.
///
/// - Throws: ``ScriptPoolError/cannotStart(_:)`` if the system has no thread to give.
func startThread(_ body: @escaping @Sendable () -> Void) throws(ScriptPoolError) {
    // The thread takes over this reference and gives it back.
    let context = unsafe Unmanaged.passRetained(ThreadBody(body))
    var thread = pthread_t()
    let code = unsafe pthread_create(
        &thread, nil,
        { context in
            guard let context = unsafe context else { return nil }
            unsafe Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run()
            return nil
        }, context.toOpaque())
    guard code == 0 else {
        unsafe context.release()
        throw .cannotStart("pthread_create: \(systemText(code))")
    }
    pthread_detach(thread)
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
