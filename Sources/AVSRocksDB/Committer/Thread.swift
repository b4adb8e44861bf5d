import AVSStorage
import AVSThreads

/// A thread of the store's own.
///
/// - Throws: ``StorageError/io(call:text:)`` if the system has none to give.
func startStoreThread(_ name: String, _ body: @escaping @Sendable () -> Void) throws(StorageError) {
    do throws(ThreadError) {
        try startThread(name, body)
    } catch {
        throw .system("pthread_create", name, code: error.code)
    }
}

/// Runs `body` on a thread of its own and waits for it without blocking the caller's.
func onThread<R: Sendable>(_ name: String, _ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        do {
            try startStoreThread(name) { continuation.resume(with: Result(catching: body)) }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}
