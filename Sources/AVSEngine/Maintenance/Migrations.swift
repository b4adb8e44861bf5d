public import AVSSchema

extension TaskEngine {
    /// What the rows of older releases go through before an engine works with them, in this order.
    ///
    /// The service runs them after a copy was made; an engine that is given such a database without that runs them when
    /// it recovers.
    /// - Source: aggregator-api 4.11.
    public static let migrations: [Migration] = pending.compactMap { $0 }

    private static let pending: [Migration?] = [
        DerivedRows.migration.map { name in
            Migration(name, whole: { try await DerivedRowsFill(store: $0).fill() })
        },
        DerivedRows.daysMigration.map { name in
            Migration(name) { after, transaction in
                let turn = try transaction.fillDays(after: after, limit: TaskEngine.recordsPerTurn)
                return Migration.Turn(changed: turn.counted, last: turn.last)
            }
        },
    ]

    private static let recordsPerTurn = 1_000
}
