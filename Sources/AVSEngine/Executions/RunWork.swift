import AVSModel
import AVSPrimitives
import AVSSchema
import AVSStorage
import AVSWorkflow
import Logging

/// One job's way: its claim, its run, its record.
struct RunWork: Sendable {
    let store: PatientStore
    let book: RunBook
    let runner: any WorkflowRunner
    let wallets: WalletDirectory
    let secrets: SecretDirectory
    let configuration: EngineConfiguration
    let time: any TimeSource
    let logger: Logger

    /// Claims the job and runs it.
    ///
    /// - Returns: the run's record and what its commit asks for. No record when there is none: the task is gone, or the
    ///   run stays for the next start.
    func attempt(_ job: WaitingJob, _ signal: StopSignal) async -> (record: Execution?, after: [AfterCommit]) {
        do {
            let now = time.now
            let answer = try await store.update { [book] in try book.claim(job, now: now, in: &$0) }
            try Failpoint.hit(.runAfterClaim)
            switch answer {
            case .gone: return (nil, [])
            case .ended(let execution, let after): return (execution, after)
            case .run(let claimed):
                if let ended = try await carryOut(claimed, signal) { return ended }
                await giveBack(job)
                return (nil, [])
            }
        } catch where Task.isCancelled {
            await giveBack(job)
            return (nil, [])
        } catch {
            logger.error("a run could not be recorded; it stays in the queue", metadata: [
                "execution": "\(job.executionID)", "task": "\(job.taskID)", "error": "\(error)",
            ])
            return (nil, [])
        }
    }

    /// The process is about to end in order, and did not wait for this run: what ended with it is not held against the
    /// run (XO-20). Where that cannot be written, the next start takes it for the process's death.
    private func giveBack(_ job: WaitingJob) async {
        do {
            try await store.base.update { [book] in try book.giveBack(job.executionID, in: &$0) }
        } catch {
            logger.warning("a run could not be given back", metadata: [
                "execution": "\(job.executionID)", "task": "\(job.taskID)", "error": "\(error)",
            ])
        }
    }

    /// - Returns: nil for a run that was interrupted because the process is about to end.
    private func carryOut(
        _ run: ClaimedRun, _ signal: StopSignal
    ) async throws -> (record: Execution?, after: [AfterCommit])? {
        // Stopped before the process ended: what it had done by then is shown, and nothing more is done (C1).
        if run.claim.attempt > 1, run.task.requestedStatus != nil { signal.set() }
        let result = try await result(of: run, signal)
        guard !Task.isCancelled else { return nil }
        let now = time.now
        let execution = Execution(
            id: run.job.executionID, taskID: run.task.id, index: Int64(clamping: run.job.index),
            startAt: run.claim.startedAt, endAt: result.end(orElse: now), status: result.status, error: result.error,
            fees: configuration.fees.fees(of: run.task.nodes), steps: result.steps
        ).cut(toFit: configuration.limits.recordBytes(of: run))
        try Failpoint.hit(.runBeforeEnd)
        let after = try await store.update { [book] in try book.end(run, execution, now: now, in: &$0) }
        try Failpoint.hit(.runAfterEnd)
        return (execution, after)
    }

    /// Runs the graph within the run's deadline (XO-21): what is left of it, and never more than its length (TIM-2).
    /// - Throws: ``StorageError`` when the store cannot say now what an earlier attempt did.
    private func result(of run: ClaimedRun, _ signal: StopSignal) async throws -> RunResult {
        let length = run.task.executionDeadline ?? configuration.times.executionDeadline
        let left = min(length, max(.zero, run.claim.deadline.duration(since: time.now)))
        let (walletSalt, secrets): (UInt256, [String: String])
        do {
            walletSalt = try await self.walletSalt(of: run.task)
            try await checkCredit(of: run.task)
            secrets = try await self.secrets.readableValues(for: run.task)
        } catch {
            return RunResult(steps: [], status: .failed, error: "\(error)")  // a run that does not begin
        }
        let journal = RunJournal(of: run, in: store, limits: configuration.limits)
        let recorded: [NodeRecord]
        do {
            recorded = run.claim.attempt > 1 ? try await journal.load() : []
        } catch StorageError.undecodable(let key, let reason) {
            logger.error("a journal cannot be read", metadata: [
                "key": "\(String(decoding: key, as: UTF8.self))", "reason": "\(reason)",
            ])
            return RunResult(steps: [], status: .error, error: "what the interrupted run did cannot be read")
        }
        let request = RunRequest(
            task: run.task, executionID: run.job.executionID, trigger: run.job.trigger, input: run.job.input,
            secrets: secrets, walletSalt: walletSalt, recorded: recorded, startedAt: run.claim.startedAt,
            deadline: time.monotonic + left)
        return await runner.run(request, recorder: journal, signal: signal)
    }

    /// Why a run does not begin, in the words of its record.
    private struct Refusal: Error, CustomStringConvertible {
        var description: String
    }

    /// The salt of the task's wallet.
    /// - Throws: ``Refusal`` when the wallet may not act in this run (5.3 row 7).
    private func walletSalt(of task: AutomationTask) async throws(Refusal) -> UInt256 {
        guard !task.wallet.isZero else { throw Refusal(description: AutomationTask.missingWalletError) }
        let salt: UInt256?
        do {
            salt = try await wallets.actingSalt(of: task.wallet, for: task.owner)
        } catch EngineError.chain(let action, let cause) {
            // Of the chain, not of the task: it is not counted.
            throw Refusal(description: "failed to validate wallet ownership: failed to \(action): \(cause)")
        } catch {
            logger.error("a run's wallet could not be looked up", metadata: ["task": "\(task.id)", "error": "\(error)"])
            throw Refusal(description: "failed to validate wallet ownership: the wallet could not be looked up")
        }
        guard let salt else { throw Refusal(description: AutomationTask.foreignWalletError) }
        return salt
    }

    /// - Throws: ``Refusal`` when the task's owner has to pay first (5.3 row 8). Nobody has to where nobody can tell.
    private func checkCredit(of task: AutomationTask) async throws(Refusal) {
        guard let limit = configuration.fees.wei(configuration.fees.creditLimit) else { return }
        let owed: UInt256
        do {
            owed = try await FeeLedger(store: store.base).account(of: task.owner).outstanding
        } catch {
            logger.error(
                "what an owner owes could not be read", metadata: ["owner": "\(task.owner)", "error": "\(error)"])
            return
        }
        guard owed > limit else { return }
        throw Refusal(description: "[INSUFFICIENT_CREDIT] outstanding value fees (\(owed) wei) exceed credit limit")
    }
}

extension EngineLimits {
    /// What the record of this run may come to: it is written in one update with the task, the job, and the end of
    /// every run that the task was promised and will not have.
    fileprivate func recordBytes(of run: ClaimedRun) -> Int {
        let promises = min(Int(queuedPerTask), promisedPerTask) * Self.promiseBytes
        let others = run.task.stored.count + run.job.stored.count + promises
        return min(executionRecordBytes, updateBytes - others - Self.updateReserveBytes)
    }
}
