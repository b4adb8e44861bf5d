public import ServiceLifecycle

/// The periodic backup as a part of a service group.
public struct PeriodicBackup: Service {
    private let backups: BackupService

    public init(_ backups: BackupService) { self.backups = backups }

    public func run() async throws {
        try await cancelWhenGracefulShutdown {
            do { try await backups.runPeriodically() } catch is CancellationError {}
        }
    }
}
