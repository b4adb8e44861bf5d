public import AVSModel
import AVSPrimitives
import AVSProto
public import AVSStorage

extension OperatorInfo: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let record = try Stored.OperatorRecord(serialized: bytes)
        self.init(
            address: try Address(recorded: record.address), name: record.name, remoteIP: record.remoteIp,
            lastPing: Timestamp(seconds: record.lastPing), version: record.version, metricsPort: record.metricsPort,
            blockNumber: record.blockNumber, eventCount: record.eventCount)
    }

    public var stored: [UInt8] {
        var record = Stored.OperatorRecord()
        record.address = address.lowercased
        record.name = name
        record.remoteIp = remoteIP
        record.lastPing = lastPing.seconds
        record.version = version
        record.metricsPort = metricsPort
        record.blockNumber = blockNumber
        record.eventCount = eventCount
        return record.serialized()
    }
}
