import AVSStorage
import Glibc
import Synchronization

/// A store that ends the process, by a kill, right behind an update.
final class CountedUpdates: KeyValueStore {
    private let base: any KeyValueStore
    private let updatesMax: Int?
    private let made = Atomic(0)

    /// - Parameter updatesMax: the update behind which the process dies; nil for none.
    init(base: any KeyValueStore, updatesMax: Int?) {
        self.base = base
        self.updatesMax = updatesMax
    }

    var count: Int { made.load(ordering: .relaxed) }

    func read<R>(_ body: (borrowing Snapshot) throws -> R) throws -> R { try base.read(body) }

    func update<R: Sendable>(_ body: @escaping @Sendable (inout Transaction) throws -> R) async throws -> R {
        let result = try await base.update(body)
        if made.add(1, ordering: .relaxed).newValue == updatesMax { kill(getpid(), SIGKILL) }
        return result
    }

    func updateUnsynced<R: Sendable>(_ body: @escaping @Sendable (inout Transaction) throws -> R) async throws -> R {
        try await base.updateUnsynced(body)
    }
}
