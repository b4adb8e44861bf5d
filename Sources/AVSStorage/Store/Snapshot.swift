/// One consistent, durable state of the store, lent to the body of ``KeyValueStore/read(_:)``.
///
/// It cannot be copied, so it cannot leave the body.
public struct Snapshot: ~Copyable, StoreReader {
    private let backend: any ReadBackend

    /// For implementations of ``KeyValueStore``.
    public init(reading backend: any ReadBackend) {
        self.backend = backend
    }

    public func get(_ key: [UInt8]) throws(StorageError) -> [UInt8]? {
        try backend.get(key)
    }

    @discardableResult
    public func scan(
        _ range: KeyRange, order: ScanOrder, limit: Int,
        _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> ScanControl
    ) throws -> ScanEnd {
        try backend.scan(range, order: order, limit: limit, body)
    }
}
