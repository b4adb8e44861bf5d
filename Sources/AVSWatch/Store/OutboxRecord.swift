public import AVSModel
import AVSOperator
public import AVSPrimitives
import AVSProto
public import AVSStorage

/// A report that has no final answer yet.
///
///     | fired: 8 bytes, milliseconds, big-endian | the report: a NotifyTriggersReq |
public struct OutboxRecord: StoreValue, Hashable {
    /// When the trigger was seen.
    public var firedAt: Timestamp
    public var report: TriggerFired

    public init(firedAt: Timestamp, report: TriggerFired) {
        self.firedAt = firedAt
        self.report = report
    }

    public init(stored: [UInt8]) throws {
        guard stored.count >= 8 else { throw MalformedValue("\(stored.count) bytes are no report, at least 8 are") }
        let instant = stored.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let report = TriggerFired(try Wire.NotifyTriggersReq(serialized: stored.dropFirst(8))) else {
            throw MalformedValue("the report names no task, reporter or output")
        }
        self.init(firedAt: Timestamp(milliseconds: Int64(clamping: instant)), report: report)
    }

    public var stored: [UInt8] {
        var bytes = Wire.NotifyTriggersReq(report).serialized(headroom: 8)
        let instant = UInt64(clamping: firedAt.milliseconds)
        for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: instant >> (56 - 8 * UInt64(index))) }
        return bytes
    }
}

/// A ``OutboxRecord`` with its place in the queue.
public struct OutboxEntry: Hashable, Sendable {
    public var number: UInt64
    public var record: OutboxRecord
}
