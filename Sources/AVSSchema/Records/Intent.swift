public import AVSModel
public import AVSPrimitives
import AVSProto
public import AVSStorage

/// An effect on the world outside, written before it is tried, so that a process that comes after a crash can look it
/// up before it tries again (XO-16, XO-18).
public struct Intent: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        /// Whether it was tried is not known.
        case allocated
        /// The bundler has it.
        case sent
        /// What came of it is known and does not change any more.
        case final(Outcome)
    }

    public enum Outcome: Hashable, Sendable {
        /// In a block; `succeeded` is false if the inner call was reverted.
        case carriedOut(transaction: Hash32, succeeded: Bool)
        /// It never will be: another operation has its nonce.
        case lost(String)
    }

    /// Which part of the execution asks for it.
    public var step: String
    /// Of what was asked for: the same step with another request is not this effect.
    public var requestDigest: Hash32
    public var state = State.allocated
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    public var chainID: UInt64
    public var entryPoint: Address
    public var sender: Address
    public var nonce: UInt256
    public var hash: Hash32
    /// The whole user operation in JSON, as a bundler takes it.
    public var operation: [UInt8]
    /// Seconds since the epoch, from when nobody accepts it any more; `nil` is never.
    public var validUntil: UInt64?
    /// The newest block when it was made: it is in none before.
    public var fromBlock: UInt64

    public init(
        step: String, requestDigest: Hash32, createdAt: Timestamp, chainID: UInt64, entryPoint: Address,
        sender: Address,
        nonce: UInt256, hash: Hash32, operation: [UInt8], validUntil: UInt64?, fromBlock: UInt64
    ) {
        self.step = step
        self.requestDigest = requestDigest
        self.createdAt = createdAt
        updatedAt = createdAt
        self.chainID = chainID
        self.entryPoint = entryPoint
        self.sender = sender
        self.nonce = nonce
        self.hash = hash
        self.operation = operation
        self.validUntil = validUntil
        self.fromBlock = fromBlock
    }

    public var isFinal: Bool { if case .final = state { true } else { false } }
}

extension Intent: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let record = try Stored.IntentRecord(serialized: bytes)
        let effect = record.userOperation ?? Stored.IntentRecord.UserOperationEffect()
        guard let digest = Hash32(bytes: record.requestDigest), let hash = Hash32(bytes: effect.hash),
            let nonce = UInt256(decimal: effect.nonce)
        else { throw MalformedValue("an intent without a digest, a hash or a nonce") }
        self.init(
            step: record.step, requestDigest: digest, createdAt: Timestamp(milliseconds: record.createdAt),
            chainID: effect.chainId, entryPoint: try Address(recorded: effect.entryPoint),
            sender: try Address(recorded: effect.sender), nonce: nonce, hash: hash, operation: effect.operation,
            validUntil: effect.validUntil == 0 ? nil : effect.validUntil, fromBlock: effect.fromBlock)
        updatedAt = Timestamp(milliseconds: record.updatedAt)
        switch record.state {
        case .allocated: state = .allocated
        case .sent: state = .sent
        case .final:
            if let transaction = Hash32(bytes: effect.transaction) {
                state = .final(.carriedOut(transaction: transaction, succeeded: effect.succeeded))
            } else {
                state = .final(.lost(effect.failure))
            }
        default: throw MalformedValue("\(record.state.rawValue) is no state of an intent")
        }
    }

    public var stored: [UInt8] {
        var effect = Stored.IntentRecord.UserOperationEffect()
        effect.chainId = chainID
        effect.entryPoint = entryPoint.lowercased
        effect.sender = sender.lowercased
        effect.nonce = nonce.description
        effect.hash = hash.bytes
        effect.operation = operation
        effect.validUntil = validUntil ?? 0
        effect.fromBlock = fromBlock
        var record = Stored.IntentRecord()
        record.step = step
        record.requestDigest = requestDigest.bytes
        record.createdAt = createdAt.milliseconds
        record.updatedAt = updatedAt.milliseconds
        switch state {
        case .allocated: record.state = .allocated
        case .sent: record.state = .sent
        case .final(.carriedOut(let transaction, let succeeded)):
            record.state = .final
            effect.transaction = transaction.bytes
            effect.succeeded = succeeded
        case .final(.lost(let failure)):
            record.state = .final
            effect.failure = failure
        }
        record.userOperation = effect
        return record.serialized()
    }
}

/// Effects of an execution are numbered in the order in which they were first asked for.
public struct IntentKey: StoreKey {
    public typealias Value = Intent
    public static let table = Table.intent
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

/// The user operations of one wallet, which come one after another.
public struct Lane: Hashable, Sendable {
    /// After the last one that was used.
    public var nextNonce: UInt256
    /// The one that is under way.
    public var open: IntentKey?

    public init(nextNonce: UInt256 = .zero, open: IntentKey? = nil) {
        self.nextNonce = nextNonce
        self.open = open
    }
}

extension Lane: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let record = try Stored.LaneRecord(serialized: bytes)
        guard let next = UInt256(decimal: record.nextNonce), let index = KeyIndex(Int(record.openIndex)) else {
            throw MalformedValue("a lane without a nonce")
        }
        let execution = record.openExecution.isEmpty ? nil : try ExecutionID(recorded: record.openExecution)
        self.init(nextNonce: next, open: execution.map { IntentKey($0, index) })
    }

    public var stored: [UInt8] {
        var record = Stored.LaneRecord()
        record.nextNonce = nextNonce.description
        record.openExecution = open?.execution.description ?? ""
        record.openIndex = UInt32(open?.index.value ?? 0)
        return record.serialized()
    }
}

public struct LaneKey: StoreKey {
    public typealias Value = Lane
    public static let table = Table.lane
    public var chainID: UInt64
    public var sender: Address

    public init(chainID: UInt64, sender: Address) {
        self.chainID = chainID
        self.sender = sender
    }

    public func encode(into key: inout KeyEncoder) {
        key.append(chainID)
        key.append(sender)
    }

    public init(decoding key: inout KeyDecoder) throws(StorageError) {
        chainID = try key.read()
        sender = try key.read()
    }
}
