public import AVSPrimitives
import AVSProto
public import AVSStorage

/// What a call with an idempotency key was answered: the same call gets the same answer again.
public struct RecordedAnswer: Hashable, Sendable {
    /// Of the method's path and the request: another body under the same key is refused.
    public var requestDigest: Hash32
    /// The answer's message as bytes.
    public var answer: [UInt8]
    public var recordedAt: Timestamp

    public init(requestDigest: Hash32, answer: [UInt8], recordedAt: Timestamp) {
        self.requestDigest = requestDigest
        self.answer = answer
        self.recordedAt = recordedAt
    }
}

extension RecordedAnswer: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let record = try Stored.AnswerRecord(serialized: bytes)
        guard let digest = Hash32(bytes: record.requestDigest) else {
            throw MalformedValue("a digest of \(record.requestDigest.count) bytes")
        }
        self.init(
            requestDigest: digest, answer: record.answer, recordedAt: Timestamp(milliseconds: record.recordedAt))
    }

    public var stored: [UInt8] {
        var record = Stored.AnswerRecord()
        record.requestDigest = requestDigest.bytes
        record.answer = answer
        record.recordedAt = recordedAt.milliseconds
        return record.serialized()
    }
}

/// `identity` is of the caller's own key, so that any text may be one.
public struct AnswerKey: StoreKey {
    public typealias Value = RecordedAnswer
    public static let table = Table.answer
    public var owner: Address
    public var identity: IdentityDigest

    public init(owner: Address, identity: IdentityDigest) {
        self.owner = owner
        self.identity = identity
    }

    public func encode(into key: inout KeyEncoder) {
        key.append(owner)
        key.append(identity)
    }

    public init(decoding key: inout KeyDecoder) throws(StorageError) {
        owner = try key.read()
        identity = try key.read()
    }
}

public struct AnswerCountKey: StoreKey {
    public typealias Value = DecimalText
    public static let table = Table.answerCount
    public var owner: Address

    public init(_ owner: Address) { self.owner = owner }
    public func encode(into key: inout KeyEncoder) { key.append(owner) }
    public init(decoding key: inout KeyDecoder) throws(StorageError) { owner = try key.read() }
}
