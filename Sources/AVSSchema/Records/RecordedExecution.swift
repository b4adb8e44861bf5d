public import AVSModel
import AVSPrimitives
import AVSProto
import AVSStorage

/// A run as its task's owner may see it: the message inside an execution record, whose bytes go into an answer as they
/// are.
///
/// The bytes are known to be a sound `aggregator.Execution`, so an answer made of them can be read.
public struct RecordedExecution: Hashable, Sendable {
    public let id: ExecutionID
    public let status: ExecutionStatus
    /// The serialized `aggregator.Execution`.
    public let message: [UInt8]

    /// - Throws: `ProtoError` or ``MalformedValue`` for bytes that are no execution record.
    public init(stored record: [UInt8]) throws {
        guard let message = try WireSplice.submessage(field: Number.executionOfRecord, of: record) else {
            throw MalformedValue("an execution record without an execution")
        }
        try Wire.Execution.check(serialized: message)
        var (id, status) = ("", UInt64(0))
        var fields = WireFields(message)
        while let field = try fields.next() {
            switch (field.number, field.value) {
            case (Number.id, .delimited(let range)): id = String(decoding: message[range], as: UTF8.self)
            case (Number.status, .varint(let value)): status = value
            default: break
            }
        }
        guard let status = Int32(exactly: status).flatMap({ ExecutionStatus(rawValue: $0) }) else {
            throw MalformedValue("execution \(id.prefix(64)) has the unknown status \(status)")
        }
        self.id = try ExecutionID(recorded: id)
        self.status = status
        self.message = message
    }

    /// Field numbers of `aggregator.Execution`, and of the record around it.
    private enum Number {
        static let executionOfRecord: UInt32 = 1
        static let id: UInt32 = 1
        static let status: UInt32 = 4
    }
}
