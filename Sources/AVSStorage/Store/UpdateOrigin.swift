/// How urgent work is, in the order in which it is kept when there is too much of it (OVL-4). Lower is more urgent.
public enum WorkClass: Int, Comparable, CaseIterable, Sendable {
    /// Health, administration, drain, and what the service writes for itself.
    case control = 0
    /// NotifyTriggers, SyncMessages, Ping: their senders do not repeat.
    case report = 1
    /// Cancel, disable, delete, update: work that ends work.
    case change = 2
    /// Lists and reads.
    case read = 3
    /// New tasks, wallets, secrets.
    case create = 4
    /// Simulations and estimates.
    case trial = 5

    public static func < (left: WorkClass, right: WorkClass) -> Bool { left.rawValue < right.rawValue }
}

/// On whose behalf an update is made. The server sets it once per call, so that no layer between has to pass it on:
///
///     try await UpdateOrigin.$current.withValue(UpdateOrigin(.create, requestBytes: message.count)) { … }
public struct UpdateOrigin: Hashable, Sendable {
    public var workClass: WorkClass
    /// How much memory the waiting update keeps alive: the size of the request it came from.
    public var requestBytes: Int

    public init(_ workClass: WorkClass, requestBytes: Int = 0) {
        self.workClass = workClass
        self.requestBytes = requestBytes
    }

    /// The origin of updates made by the current task. Our own background work is ``WorkClass/control``.
    @TaskLocal public static var current = UpdateOrigin(.control)
}
