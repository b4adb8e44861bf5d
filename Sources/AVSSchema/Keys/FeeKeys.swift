public import AVSModel
public import AVSPrimitives
public import AVSStorage

public struct FeeAccountKey: StoreKey {
    public typealias Value = FeeAccount
    public static let table = Table.feeAccount
    public var owner: Address

    public init(_ owner: Address) { self.owner = owner }
    public func encode(into key: inout KeyEncoder) { key.append(owner) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { owner = try key.read() }
}

/// One for each execution, so that recording it twice is seen.
public struct FeeRecordKey: StoreKey {
    public typealias Value = FeeRecord
    public static let table = Table.feeRecord
    public var owner: Address
    public var execution: ExecutionID

    public init(owner: Address, execution: ExecutionID) {
        self.owner = owner
        self.execution = execution
    }

    public func encode(into key: inout KeyEncoder) {
        key.append(owner)
        key.append(execution)
    }

    public init(decoding key: inout KeyDecoder) throws(StorageError) {
        owner = try key.read()
        execution = try key.read()
    }
}
