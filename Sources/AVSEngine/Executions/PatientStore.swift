import AVSPrimitives
import AVSStorage
import Logging

/// A store for writes that a run cannot do without: it tries again for as long as the store cannot take them for the
/// time being, because its disk is full or it has too much to do.
///
/// No bound but the end of the process: giving up would leave a promised run without its record (XO-2).
struct PatientStore: Sendable {
    let base: any KeyValueStore
    let time: any TimeSource
    let logger: Logger

    /// - Parameter isSynced: whether the changes survive a crash once this returns.
    /// - Throws: what `body` throws, ``StorageError`` that does not pass by itself, and `CancellationError` for a
    ///   process that ends.
    func update<Answer: Sendable>(
        isSynced: Bool = true, _ body: @escaping @Sendable (inout Transaction) throws -> Answer
    ) async throws -> Answer {
        while true {
            do {
                return isSynced ? try await base.update(body) : try await base.updateUnsynced(body)
            } catch let error as StorageError where error.isPassing {
                logger.warning("the store cannot write now; trying again", metadata: ["error": "\(error)"])
                try await time.sleep(until: time.monotonic + .seconds(1))
            }
        }
    }
}

extension StorageError {
    /// Whether the same update may succeed later; nothing of it was written.
    fileprivate var isPassing: Bool {
        switch self {
        case .overloaded, .readOnly: true
        default: false
        }
    }
}
