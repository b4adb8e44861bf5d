public import AVSModel
public import AVSPrimitives
import AVSProto
import AVSStorage

/// A task as its owner may see it: the message inside a task record, whose bytes go into an answer as they are.
///
/// Only what decides who may see it is decoded. The bytes are known to be a sound `aggregator.Task`, so an answer made
/// of them can be read.
public struct RecordedTask: Hashable, Sendable {
    /// What a list may leave out (aggregator-api 2.5).
    public enum Part: Hashable, Sendable, CaseIterable { case nodes, edges, inputVariables }

    public let id: TaskID
    public let owner: Address
    public let status: TaskStatus
    /// The serialized `aggregator.Task`.
    public let message: [UInt8]

    /// - Throws: `ProtoError` or ``MalformedValue`` for bytes that are no task record.
    public init(stored record: [UInt8]) throws {
        guard let message = try WireSplice.submessage(field: Number.taskOfRecord, of: record) else {
            throw MalformedValue("a task record without a task")
        }
        try Wire.Task.check(serialized: message)
        var (id, owner, status) = ("", "", UInt64(0))
        var fields = WireFields(message)
        while let field = try fields.next() {
            switch (field.number, field.value) {
            case (Number.id, .delimited(let range)): id = String(decoding: message[range], as: UTF8.self)
            case (Number.owner, .delimited(let range)): owner = String(decoding: message[range], as: UTF8.self)
            case (Number.status, .varint(let value)): status = value
            default: break
            }
        }
        guard let status = Int32(exactly: status).flatMap({ TaskStatus(rawValue: $0) }) else {
            throw MalformedValue("task \(id.prefix(64)) has the unknown status \(status)")
        }
        self.id = try TaskID(recorded: id)
        self.owner = try Address(recorded: owner)
        self.status = status
        self.message = message
    }

    /// The message without some of its parts, and with another status if one is named.
    public func message(without parts: Set<Part>, showing shown: TaskStatus? = nil) throws -> [UInt8] {
        let shown = shown ?? status
        guard !parts.isEmpty || shown != status else { return message }
        let omitted = Set(parts.map { Number.of($0) } + [Number.status])
        var output: [UInt8] = []
        output.reserveCapacity(message.count + 2)
        var isStatusOut = false
        func putStatus() {
            guard !isStatusOut else { return }
            WireSplice.append(field: Number.status, varint: UInt64(clamping: shown.rawValue), to: &output)
            isStatusOut = true
        }
        var fields = WireFields(message)
        var start = fields.position
        while let field = try fields.next() {
            if field.number > Number.status { putStatus() }  // fields stand in the order of their numbers
            if !omitted.contains(field.number) { output += message[start..<fields.position] }
            start = fields.position
        }
        putStatus()
        return output
    }

    /// Field numbers of `aggregator.Task`, and of the record around it.
    private enum Number {
        static let taskOfRecord: UInt32 = 1
        static let id: UInt32 = 1
        static let owner: UInt32 = 2
        static let status: UInt32 = 11

        static func of(_ part: Part) -> UInt32 {
            switch part {
            case .nodes: 13
            case .edges: 14
            case .inputVariables: 15
            }
        }
    }
}
