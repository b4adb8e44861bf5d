public import AVSModel
public import AVSPrimitives
import AVSProto
public import AVSStorage

/// An occurrence, or a report's own id, that was decided about: it is never accepted again (XO-1).
public struct Dedup: Hashable, Sendable {
    /// The one execution that it led to (I2); `nil` for a tick that was skipped (TIM-13).
    public var executionID: ExecutionID?
    /// In the clear, for people.
    public var identity: String
    /// `nil` for a report's id whose occurrence has no place on an axis.
    public var position: Occurrence.Position?
    public var recordedAt: Timestamp

    public init(executionID: ExecutionID?, identity: String, position: Occurrence.Position?, recordedAt: Timestamp) {
        self.executionID = executionID
        self.identity = identity
        self.position = position
        self.recordedAt = recordedAt
    }
}

extension Dedup: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let record = try Stored.DedupRecord(serialized: bytes)
        self.init(
            executionID: record.executionId.isEmpty ? nil : try ExecutionID(recorded: record.executionId),
            identity: record.identity, position: nil, recordedAt: Timestamp(milliseconds: record.recordedAt))
        switch record.position {
        case .block(let block): position = .init(axis: .chain(block.chainId), value: block.number)
        case .minute(let minute): position = .init(axis: .time, value: UInt64(clamping: minute))
        case nil: position = nil
        }
    }

    public var stored: [UInt8] {
        var record = Stored.DedupRecord()
        record.executionId = executionID?.description ?? ""
        record.identity = identity
        record.recordedAt = recordedAt.milliseconds
        switch position?.axis {
        case .chain(let chain):
            var block = Stored.DedupRecord.BlockPosition()
            block.chainId = chain
            block.number = position?.value ?? 0
            record.position = .block(block)
        case .time: record.position = .minute(Int64(clamping: position?.value ?? 0))
        case nil: record.position = nil
        }
        return record.serialized()
    }
}

/// The low marks of a task: what lies below may have lost its dedup record, so it is refused (XO-8).
public struct DedupLow: Hashable, Sendable {
    public var blockByChain: [UInt64: UInt64]
    public var minute: UInt64

    public init(blockByChain: [UInt64: UInt64] = [:], minute: UInt64 = 0) {
        self.blockByChain = blockByChain
        self.minute = minute
    }

    /// Whether an occurrence at `position` is too old to be told from a repetition.
    public func refuses(_ position: Occurrence.Position) -> Bool { position.value < self[position.axis] }

    public subscript(axis: Occurrence.Position.Axis) -> UInt64 {
        get {
            switch axis {
            case .chain(let chain): blockByChain[chain] ?? 0
            case .time: minute
            }
        }
        set {
            switch axis {
            case .chain(let chain): blockByChain[chain] = newValue
            case .time: minute = newValue
            }
        }
    }
}

extension DedupLow: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let record = try Stored.DedupLowRecord(serialized: bytes)
        self.init(blockByChain: record.blockByChain, minute: UInt64(clamping: record.minute))
    }

    public var stored: [UInt8] {
        var record = Stored.DedupLowRecord()
        record.blockByChain = blockByChain
        record.minute = Int64(clamping: minute)
        return record.serialized()
    }
}
