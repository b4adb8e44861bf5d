import AVSPrimitives
import AVSThreads
import CCurl
import Glibc
import Synchronization

/// One thread that runs transfers with libcurl's multi interface. Requests come in through a mailbox; everything of
/// libcurl stays on the thread.
final class TransferLoop: Sendable {
    typealias Outcome = Result<FetchResponse, FetchError>
    typealias Completion = @Sendable (Outcome) -> Void

    struct Job: Sendable {
        var hop: Hop
        var rule: AddressRule
        var deadline: ContinuousClock.Instant
        var completion: Completion
    }

    fileprivate enum Command: Sendable {
        case start(UInt64, Job)
        case cancel(UInt64)
    }

    fileprivate struct Mailbox: Sendable {
        var commands: [Command] = []
        var nextID: UInt64 = 0
        /// Once false, nobody touches the handle but the thread, which frees it.
        var isOpen = true
    }

    /// Shared with the thread, which outlives the loop until it has seen that the mailbox is closed.
    private let shared: Shared

    init(settings: TransferSettings, time: any TimeSource) throws(FetchError) {
        guard Self.isInitialized, let multi = unsafe curl_multi_init() else {
            throw FetchError(.overloaded, host: "", detail: "libcurl could not be initialised")
        }
        shared = unsafe Shared(multi: multi)
        let thread = unsafe LoopThread(shared: shared, multi: multi, settings: settings, time: time)
        do throws(ThreadError) {
            try startThread("avs-fetch") { thread.run() }
        } catch {
            throw FetchError(.overloaded, host: "", detail: error.description)
        }
    }

    deinit { shared.close() }

    /// Runs one hop. Cancelling the task ends the transfer at once.
    func perform(_ hop: Hop, rule: AddressRule, deadline: ContinuousClock.Instant) async throws(FetchError)
        -> FetchResponse
    {
        let id = shared.newID()
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Outcome, Never>) in
                let job = Job(hop: hop, rule: rule, deadline: deadline) { continuation.resume(returning: $0) }
                if Task.isCancelled || !shared.post(.start(id, job)) {
                    continuation.resume(returning: .failure(FetchError(.cancelled, host: hop.url.host)))
                }
            }
        } onCancel: {
            _ = shared.post(.cancel(id))
        }
        return try outcome.get()
    }

    /// Ends the thread; what is under way ends as cancelled.
    func close() { shared.close() }

    /// libcurl and OpenSSL, once per process.
    private static let isInitialized = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK

    /// Safe: the handle is used under the lock alone, and not after the mailbox is closed.
    @safe fileprivate final class Shared: Sendable {
        private let mailbox = Mutex(Mailbox())
        /// `curl_multi_wakeup` is the one function that libcurl allows from other threads; it is called under the
        /// mailbox's lock and only while the mailbox is open.
        nonisolated(unsafe) private let multi: OpaquePointer

        init(multi: OpaquePointer) { unsafe self.multi = multi }

        func newID() -> UInt64 {
            mailbox.withLock { mailbox in
                mailbox.nextID += 1
                return mailbox.nextID
            }
        }

        func post(_ command: Command) -> Bool {
            mailbox.withLock { mailbox in
                guard mailbox.isOpen else { return false }
                mailbox.commands.append(command)
                _ = unsafe curl_multi_wakeup(multi)
                return true
            }
        }

        func close() {
            mailbox.withLock { mailbox in
                guard mailbox.isOpen else { return }
                mailbox.isOpen = false
                _ = unsafe curl_multi_wakeup(multi)
            }
        }

        /// What came in, and whether the loop goes on.
        func take() -> (commands: [Command], isOpen: Bool) {
            mailbox.withLock { mailbox in
                defer { mailbox.commands = [] }
                return (mailbox.commands, mailbox.isOpen)
            }
        }
    }
}

/// What happens on the thread. Not shared with any other.
@safe private final class LoopThread {
    private let shared: TransferLoop.Shared
    private let multi: OpaquePointer
    private let settings: TransferSettings
    private let time: any TimeSource
    private var jobs: [UInt64: TransferLoop.Job] = [:]
    private var transfers: [UInt64: Transfer] = [:]
    private var admission: AdmissionQueue<UInt64>

    init(shared: TransferLoop.Shared, multi: OpaquePointer, settings: TransferSettings, time: any TimeSource) {
        self.shared = shared
        unsafe self.multi = multi
        self.settings = settings
        self.time = time
        admission = AdmissionQueue(limits: settings.limits)
        _ = unsafe CCurl_setMultiLong(multi, CURLMOPT_MAXCONNECTS, settings.limits.open)
    }

    deinit { unsafe curl_multi_cleanup(multi) }

    func run() {
        while true {
            let (commands, isOpen) = shared.take()
            for command in commands { handle(command) }
            guard isOpen else { break }
            expireWaiting()
            beginNext()
            var running: Int32 = 0
            _ = unsafe curl_multi_perform(multi, &running)
            if !finishDone() {
                // libcurl shortens the wait by its own timers. Ours, for what waits for a connection, are coarse.
                _ = unsafe curl_multi_poll(multi, nil, 0, admission.waitingCount > 0 ? 100 : 10_000, nil)
            }
        }
        for id in Array(jobs.keys) { end(id, .failure(FetchError(.cancelled, host: jobs[id]?.hop.url.host ?? ""))) }
    }

    private func handle(_ command: TransferLoop.Command) {
        switch command {
        case .start(let id, let job):
            jobs[id] = job
            let entry = AdmissionQueue.Entry(id: id, host: job.hop.url.origin, owner: job.hop.owner)
            if !admission.add(entry) { return end(id, .failure(FetchError(.overloaded, host: job.hop.url.host))) }
            beginNext()
        case .cancel(let id):
            guard let job = jobs[id] else { return }
            end(id, .failure(FetchError(.cancelled, host: job.hop.url.host, mayHaveArrived: transfers[id] != nil)))
        }
    }

    /// Begins what may begin.
    private func beginNext() {
        while let id = admission.next() { begin(id) }
    }

    private func begin(_ id: UInt64) {
        guard let job = jobs[id] else { return admission.remove(id) }
        let host = job.hop.url.host
        let left = job.deadline - time.monotonic
        guard left > .zero else { return end(id, .failure(FetchError(.timeout, host: host))) }
        guard let transfer = Transfer(job.hop, rule: job.rule, settings: settings, timeout: left) else {
            return end(id, .failure(FetchError(.overloaded, host: host, detail: "out of memory")))
        }
        guard unsafe curl_multi_add_handle(multi, transfer.easy) == CURLM_OK else {
            return end(id, .failure(FetchError(.overloaded, host: host, detail: "curl_multi_add_handle")))
        }
        transfers[id] = transfer
    }

    /// Whether any transfer has ended, so that others may begin.
    private func finishDone() -> Bool {
        var found = false
        var left: Int32 = 0
        while let message = unsafe curl_multi_info_read(multi, &left) {
            guard unsafe message.pointee.msg == CURLMSG_DONE else { continue }
            let code = unsafe CCurl_result(message)
            let easy = unsafe message.pointee.easy_handle
            guard let (id, transfer) = transfers.first(where: { unsafe $0.value.easy == easy }) else { continue }
            found = true
            end(id, transfer.outcome(code))
        }
        return found
    }

    /// What waited too long for its turn.
    private func expireWaiting() {
        guard admission.waitingCount > 0 else { return }
        let now = time.monotonic
        for (id, job) in jobs where transfers[id] == nil && job.deadline <= now {
            end(id, .failure(FetchError(.timeout, host: job.hop.url.host, detail: "waited for a connection")))
        }
    }

    private func end(_ id: UInt64, _ outcome: TransferLoop.Outcome) {
        if let transfer = transfers.removeValue(forKey: id) {
            _ = unsafe curl_multi_remove_handle(multi, transfer.easy)
        }
        admission.remove(id)
        jobs.removeValue(forKey: id)?.completion(outcome)
    }
}
