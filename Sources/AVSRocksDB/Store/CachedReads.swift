import AVSStorage
import Dispatch
import Synchronization

/// A snapshot that answers from memory only. What needs the disk, or might, throws and is noted.
final class CachedReads: ReadBackend {
    private let snapshot: DatabaseSnapshot
    private let missed = Atomic(false)

    init(_ snapshot: DatabaseSnapshot) {
        self.snapshot = snapshot
    }

    /// Whether something was asked for that is not in memory. Then the body's result counts for nothing, whatever it
    /// is.
    var hasMissed: Bool { missed.load(ordering: .relaxed) }

    func get(_ key: [UInt8]) throws(StorageError) -> [UInt8]? {
        do throws(RocksDBFailure) {
            return try snapshot.getCached(key)
        } catch {
            throw note(error)
        }
    }

    /// Never from memory. Before its version 8.5.2 (facebook/rocksdb#11786) the library forgets, at a row that a range
    /// delete covers, that it could not read a block, and goes on with what it has: such a scan is shorter, and says
    /// nothing. Reads of one key are not affected.
    func scan(
        _ range: KeyRange, order: ScanOrder, rowsExpected: Int,
        _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> ScanControl
    ) throws {
        missed.store(true, ordering: .relaxed)
        throw StorageError.io(call: "scan", text: "not from memory")
    }

    private func note(_ failure: RocksDBFailure) -> StorageError {
        if failure.kind == .incomplete { missed.store(true, ordering: .relaxed) }
        return StorageError(failure)
    }
}

/// A few threads for reads that have to wait for the disk.
final class ReaderPool: Sendable {
    /// As many reads as a disk usefully does at a time.
    static let threadCount = 4
    /// Reads that wait for a thread. More would only wait longer than their callers do.
    static let waitingMax = 1_024

    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var isStopped = false
    }
    private let state = Mutex(State())
    /// Counts the jobs, plus one for each thread that is to end.
    private let work = DispatchSemaphore(value: 0)

    func start() throws(StorageError) {
        for index in 0..<ReaderPool.threadCount {
            try startStoreThread("avs-reader-\(index)") { self.run() }
        }
    }

    /// Runs `body` on one of the threads.
    ///
    /// - Throws: what `body` throws, ``StorageError/overloaded(_:)`` or ``StorageError/closed``.
    func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            let refusal: StorageError? = state.withLock { state in
                if state.isStopped { return .closed }
                guard state.jobs.count < ReaderPool.waitingMax else {
                    return .overloaded("\(state.jobs.count) reads are waiting for the disk")
                }
                state.jobs.append { continuation.resume(with: Result(catching: body)) }
                return nil
            }
            if let refusal { return continuation.resume(throwing: refusal) }
            work.signal()
        }
    }

    /// The threads end when the jobs that are inside are done.
    func stop() {
        let isFirst = state.withLock { state in
            defer { state.isStopped = true }
            return !state.isStopped
        }
        guard isFirst else { return }
        for _ in 0..<ReaderPool.threadCount { work.signal() }
    }

    private func run() {
        while true {
            work.wait()
            guard let job = state.withLock({ $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }) else { return }
            job()
        }
    }
}
