public import AVSModel

/// A smart wallet with the numbers of its tasks.
public struct WalletSummary: Hashable, Sendable {
    /// The wallet itself.
    public var wallet: SmartWallet
    /// Tasks in any status.
    public var taskCount: UInt64
    /// Enabled ones and those that are running.
    public var enabledTaskCount: UInt64
    /// Those that have had all their runs.
    public var completedTaskCount: UInt64
    /// Those that ended because they could not go on.
    public var failedTaskCount: UInt64
    /// Those that their owner paused, or the aggregator did.
    public var disabledTaskCount: UInt64
    /// 0 from aggregators that do not count them.
    public var canceledTaskCount: UInt64

    public init(
        wallet: SmartWallet, taskCount: UInt64 = 0, enabledTaskCount: UInt64 = 0, completedTaskCount: UInt64 = 0,
        failedTaskCount: UInt64 = 0, disabledTaskCount: UInt64 = 0, canceledTaskCount: UInt64 = 0
    ) {
        self.wallet = wallet
        self.taskCount = taskCount
        self.enabledTaskCount = enabledTaskCount
        self.completedTaskCount = completedTaskCount
        self.failedTaskCount = failedTaskCount
        self.disabledTaskCount = disabledTaskCount
        self.canceledTaskCount = canceledTaskCount
    }
}
