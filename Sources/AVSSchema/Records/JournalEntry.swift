public import AVSModel
public import AVSPrimitives
import AVSProto
public import AVSStorage
import AVSWire

/// What is known of one node of a run in progress, so that a run that is interrupted goes on behind it (XO-15).
public struct JournalEntry: Hashable, Sendable {
    public var nodeID: String
    /// Of the node's configuration and of everything that led to it.
    public var inputDigest: Hash32
    /// `nil` while it is not known whether the node's effect came about.
    public var step: Step?
    /// What the node's variable holds; `nil` when the node produced nothing.
    public var data: JSONValue?
    /// Of a branch: the condition whose edges are taken.
    public var selectedCondition: String?

    public init(
        nodeID: String, inputDigest: Hash32, step: Step? = nil, data: JSONValue? = nil, selectedCondition: String? = nil
    ) {
        self.nodeID = nodeID
        self.inputDigest = inputDigest
        self.step = step
        self.data = data
        self.selectedCondition = selectedCondition
    }
}

extension JournalEntry: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let record = try Stored.JournalRecord(serialized: bytes)
        guard let digest = Hash32(bytes: record.inputDigest) else { throw MalformedValue("an entry without a digest") }
        nodeID = record.nodeId
        inputDigest = digest
        step = try record.step.map { try Step($0) }
        data = record.data
        selectedCondition =
            switch record.selection {
            case .selectedCondition(let id): id
            case nil: nil
            }
    }

    public var stored: [UInt8] {
        var record = Stored.JournalRecord()
        record.nodeId = nodeID
        record.inputDigest = inputDigest.bytes
        record.step = step.map { Wire.Execution.Step($0) }
        record.data = data
        record.selection = selectedCondition.map { .selectedCondition($0) }
        return record.serialized()
    }
}

/// Entries of a run, numbered in the order in which their nodes were first recorded.
public struct JournalKey: StoreKey {
    public typealias Value = JournalEntry
    public static let table = Table.journal
    public var execution: ExecutionID
    public var index: KeyIndex

    public init(_ execution: ExecutionID, _ index: KeyIndex) {
        self.execution = execution
        self.index = index
    }

    public func encode(into key: inout KeyEncoder) {
        key.append(execution)
        key.append(index)
    }

    public init(decoding key: inout KeyDecoder) throws(StorageError) {
        execution = try key.read()
        index = try key.read()
    }
}
