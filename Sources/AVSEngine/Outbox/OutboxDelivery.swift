import AVSPrimitives
import AVSSchema
import AVSStorage
import HeapModule
import Logging

/// Delivers what the outbox holds: each message until its receiver takes it, or it is given up (XO-23).
///
/// The store is the truth. What this actor holds in memory is when each message is due, 16 bytes each and at most
/// ``Transaction/outboxLimit`` of them. A message that was delivered and whose removal a crash prevented is delivered
/// again, under the same event id (B11).
public actor OutboxDelivery {
    /// Deliveries under way at the same time: a receiver that is slow does not hold up others for long.
    private static let atOnce = 8

    private struct Due: Comparable {
        var at: Timestamp
        var number: UInt64

        static func < (lhs: Due, rhs: Due) -> Bool { (lhs.at, lhs.number) < (rhs.at, rhs.number) }
    }

    private let store: PatientStore
    private let sink: any NotificationSink
    private let times: EngineTimes
    private let time: any TimeSource
    private let logger: Logger
    private var due = Heap<Due>()
    private var hasNews = false
    private var worker: CheckedContinuation<Void, Never>?

    /// Messages that wait for their delivery, and those that were given up and are still kept.
    public private(set) var load: (pending: Int, dead: Int) = (0, 0)

    init(
        store: any KeyValueStore, sink: any NotificationSink, times: EngineTimes, time: any TimeSource, logger: Logger
    ) {
        self.store = PatientStore(base: store, time: time, logger: logger)
        self.sink = sink
        self.times = times
        self.time = time
        self.logger = logger
    }

    /// A message was committed.
    func added(_ number: UInt64) {
        due.insert(Due(at: time.now, number: number))
        load.pending += 1
        wake()
    }

    /// Delivers until the surrounding task is cancelled; what is under way then is given up and comes again.
    /// - Throws: ``StorageError`` when the outbox cannot be read.
    func run() async throws {
        try await loadAll()
        while !Task.isCancelled {
            let batch = takeDue()
            if batch.isEmpty {
                await waitForWork()
            } else {
                await withDiscardingTaskGroup { group in
                    for number in batch { group.addTask { await self.deliver(number) } }
                }
            }
        }
    }

    // MARK: What is due

    /// Messages that an earlier process left; whatever was added since is among them.
    private func loadAll() async throws {
        due = Heap()
        load = (0, 0)
        var rows = Rows<OutboxKey>.all
        while true {
            let page = try await store.base.readWithoutBlocking { [rows] in try $0.rows(rows, limit: 1_000) }
            for (key, message) in page {
                if message.isDead {
                    load.dead += 1
                } else {
                    load.pending += 1
                    due.insert(Due(at: message.nextAttemptAt, number: key.number))
                }
            }
            guard let last = page.last else { return }
            rows = rows.after(last.key)
        }
    }

    private func takeDue() -> [UInt64] {
        let now = time.now
        var batch: [UInt64] = []
        while batch.count < Self.atOnce, let next = due.min, next.at <= now {
            batch.append(due.removeMin().number)
        }
        return batch
    }

    private func waitForWork() async {
        guard !hasNews else {
            hasNews = false
            return
        }
        let alarm = due.min.map { setAlarm(for: $0) }
        await withTaskCancellationHandler {
            await withCheckedContinuation { worker = $0 }
        } onCancel: {
            Task { await self.wake() }  // ends at once: it only resumes the waiting
        }
        alarm?.cancel()
        hasNews = false
    }

    /// Ends the waiting when a message is due. Cancelled by who waits, once the waiting is over.
    private func setAlarm(for next: Due) -> Task<Void, Never> {
        let instant = time.monotonic + max(.zero, next.at.duration(since: time.now))
        return Task {
            do { try await time.sleep(until: instant) } catch { return }
            wake()
        }
    }

    private func wake() {
        hasNews = true
        worker?.resume()
        worker = nil
    }

    // MARK: Delivery

    private func deliver(_ number: UInt64) async {
        do {
            let message = try await store.base.readWithoutBlocking { try $0.value(for: OutboxKey(number)) }
            guard let message, !message.isDead else { return load.pending -= 1 }  // it gave way
            do {
                try await sink.deliver(message)
            } catch {
                guard !Task.isCancelled else { return }
                return try await failed(number, "\(error)")
            }
            try Failpoint.hit(.outboxAfterSend)
            try await store.update { try $0.removeFromOutbox(number) }
            load.pending -= 1
        } catch {
            guard !Task.isCancelled else { return }
            logger.error(
                "a message could not be delivered or noted", metadata: ["number": "\(number)", "error": "\(error)"])
            due.insert(Due(at: time.now.adding(times.outboxLongestRetry), number: number))
        }
    }

    private func failed(_ number: UInt64, _ error: String) async throws {
        let now = time.now
        let message = try await store.update { [times] transaction -> OutboxMessage? in
            guard var message = try transaction.value(for: OutboxKey(number)) else { return nil }
            message.fail(error, at: now, times)
            try transaction.put(OutboxKey(number), message)
            return message
        }
        guard let message else { return load.pending -= 1 }
        guard message.isDead else { return due.insert(Due(at: message.nextAttemptAt, number: number)) }
        load.pending -= 1
        load.dead += 1
        logger.error("a message was given up", metadata: [
            "event": "\(message.eventID)", "attempts": "\(message.attempts)", "error": "\(error)",
        ])
    }

    /// Messages that were given up were purged.
    func purged(_ count: Int) { load.dead = max(0, load.dead - count) }
}

extension OutboxMessage {
    /// The kept part of an error's text.
    private static let errorCharacters = 500

    /// An attempt failed: the next one comes after a pause that doubles each time, unless it would come too late.
    mutating func fail(_ error: String, at now: Timestamp, _ times: EngineTimes) {
        attempts &+= 1
        self.error = String(error.prefix(Self.errorCharacters))
        nextAttemptAt = now.adding(pause(times))
        isDead = nextAttemptAt.duration(since: createdAt) > times.outboxGivenUpAfter
    }

    /// Between half of it and the whole is waited: messages that failed together do not come back together. The jitter
    /// is a digest, so that a test knows it.
    private func pause(_ times: EngineTimes) -> Duration {
        let doublings = min(attempts - 1, 30)
        let whole = min(times.outboxFirstRetry * (1 << doublings), times.outboxLongestRetry)
        let digest = Keccak256.hash(Array("\(eventID)/\(attempts)".utf8)).bytes
        let share = digest.prefix(2).reduce(0) { $0 << 8 | Int($1) }
        return whole / 2 + whole / 2 * share / 65_535
    }
}
