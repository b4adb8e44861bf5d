public import AVSPrimitives
public import Logging
import Synchronization

/// Which key signs for an operator besides its own: what the alias registry says, remembered for a while.
///
/// Only approved operators are asked about, so nobody can make us ask for addresses without end, and the memory has as
/// many rows as there are of them.
///
/// - Source: aggregator-api 3.5, step 4.
public final class OperatorAliases: Sendable {
    /// How long an alias counts, and how long it counts that there is none.
    static let memory = (alias: Duration.seconds(600), none: Duration.seconds(60))
    /// After a failure the registry is left alone for so long; what was known before counts on.
    static let failurePause = Duration.seconds(5)

    private struct Row {
        var alias: Address?
        var expiry: ContinuousClock.Instant
    }

    private let approved: Set<Address>
    private let time: any TimeSource
    private let logger: Logger
    private let lookUp: @Sendable (Address) async throws -> Address?
    private let rows = Mutex<[Address: Row]>([:])

    /// - Parameter lookUp: asks the registry for an operator's alias; nil is none.
    public init(
        approved: Set<Address>, time: any TimeSource, logger: Logger,
        lookUp: @escaping @Sendable (Address) async throws -> Address?
    ) {
        self.approved = approved
        self.time = time
        self.logger = logger
        self.lookUp = lookUp
    }

    /// The key that an approved operator declared; nil if there is none, or none that we could learn of.
    func alias(of node: Address) async -> Address? {
        guard approved.contains(node) else { return nil }
        let known = rows.withLock { $0[node] }
        if let known, known.expiry > time.monotonic { return known.alias }
        var row: Row
        do {
            let alias = try await lookUp(node)
            row = Row(alias: alias, expiry: time.monotonic + (alias == nil ? Self.memory.none : Self.memory.alias))
        } catch {
            logger.warning(
                "the alias registry cannot be asked", metadata: ["operator": "\(node)", "reason": "\(error)"])
            row = Row(alias: known?.alias, expiry: time.monotonic + Self.failurePause)
        }
        rows.withLock { $0[node] = row }
        return row.alias
    }
}
