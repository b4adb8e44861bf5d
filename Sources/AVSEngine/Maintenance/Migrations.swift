public import AVSSchema
public import Logging

extension TaskEngine {
    /// What the rows of older releases go through before an engine works with them, in this order.
    ///
    /// - Source: aggregator-api 4.11.
    public static func migrations(logger: Logger) -> [Migration] {
        [
            DerivedRows.migration.map { name in
                Migration(name, whole: { try await DerivedRowsFill(store: $0, logger: logger).fill() })
            }
        ].compactMap { $0 }
    }
}
