/// A named place where a test can stop the process, make a call throw, or make it wait (XO-25).
///
///     try Failpoint.hit(.runAfterClaim)
///
/// Without the package trait `Failpoints`, which no release has, a hit is nothing at all. With it, failpoints are
/// armed by the environment, or by a test through ``arm(_:_:afterHits:)``:
///
///     AVS_FAILPOINTS="committer.beforeWrite=kill@3;run.afterClaim=throw;effect.afterSend=sleep:200"
///
/// `@3` means the third hit (1 if it is left out); a sleep is in milliseconds and blocks its thread.
public enum Failpoint: String, CaseIterable, Sendable {
    case committerBeforeWrite = "committer.beforeWrite"
    case committerAfterWriteBeforeSync = "committer.afterWriteBeforeSync"
    case committerAfterSync = "committer.afterSync"
    case intakeBeforeAnswer = "intake.beforeAnswer"
    case runAfterClaim = "run.afterClaim"
    case runAfterJournal = "run.afterJournal"
    case effectAfterIntent = "effect.afterIntent"
    case effectAfterSend = "effect.afterSend"
    case effectAfterOutcome = "effect.afterOutcome"
    case runBeforeEnd = "run.beforeEnd"
    case runAfterEnd = "run.afterEnd"
    case outboxAfterSend = "outbox.afterSend"
    case recoveryAfterEpoch = "recovery.afterEpoch"
    case migrationAfterBatch = "migration.afterBatch"
}

/// What a failpoint armed to throw throws.
public struct FailpointReached: Error, Hashable, CustomStringConvertible {
    public let failpoint: Failpoint
    public var description: String { "failpoint \(failpoint.rawValue)" }
}

#if !Failpoints
    extension Failpoint {
        /// Nothing.
        @inlinable @inline(__always)
        public static func hit(_ failpoint: Failpoint) throws(FailpointReached) {}
    }
#endif
