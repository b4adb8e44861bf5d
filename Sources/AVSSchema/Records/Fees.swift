public import AVSModel
public import AVSPrimitives
public import AVSStorage

/// What an owner owes for the value that its workflows moved: the sum of its ``FeeRecord``s.
///
/// Stored as JSON, as the specification has it; amounts are decimal texts in wei, times milliseconds.
public struct FeeAccount: Hashable, Sendable {
    public var outstanding: UInt256
    /// Never less than ``outstanding``.
    public var accrued: UInt256
    public var records: Int64
    public var updatedAt: Timestamp

    public init(
        outstanding: UInt256 = .zero, accrued: UInt256 = .zero, records: Int64 = 0,
        updatedAt: Timestamp = Timestamp(milliseconds: 0)
    ) {
        self.outstanding = outstanding
        self.accrued = accrued
        self.records = records
        self.updatedAt = updatedAt
    }
}

/// What one execution added to its owner's account. Stored as JSON, like ``FeeAccount``.
public struct FeeRecord: Hashable, Sendable {
    public var executionID: ExecutionID
    public var taskID: TaskID
    public var owner: Address
    public var share: ValueFee
    /// Wei that the execution moved, and what is asked for it.
    public var value: UInt256
    public var fee: UInt256
    public var recordedAt: Timestamp
    public var chainID: UInt64

    public init(
        executionID: ExecutionID, taskID: TaskID, owner: Address, share: ValueFee, value: UInt256, fee: UInt256,
        recordedAt: Timestamp, chainID: UInt64
    ) {
        self.executionID = executionID
        self.taskID = taskID
        self.owner = owner
        self.share = share
        self.value = value
        self.fee = fee
        self.recordedAt = recordedAt
        self.chainID = chainID
    }
}

extension FeeAccount: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let json = try JSONValue(parsing: bytes)
        self.init(
            outstanding: try json.amount("outstanding_wei"), accrued: try json.amount("total_accrued_wei"),
            records: try json.integer("record_count"),
            updatedAt: Timestamp(milliseconds: try json.integer("last_updated")))
    }

    public var stored: [UInt8] {
        let json: JSONValue = [
            "outstanding_wei": .string("\(outstanding)"), "total_accrued_wei": .string("\(accrued)"),
            "record_count": .number(Double(records)), "last_updated": .number(Double(updatedAt.milliseconds)),
        ]
        return Array(json.serialized.utf8)
    }
}

extension FeeRecord: StoreValue {
    public init(stored bytes: [UInt8]) throws {
        let json = try JSONValue(parsing: bytes)
        guard let tier = Int32(exactly: try json.integer("tier")).flatMap({ ValueFee.Tier(rawValue: $0) }) else {
            throw MalformedValue("a fee record of an unknown tier")
        }
        guard let task = TaskID(try json.text("task_id")), let chainID = UInt64(try json.text("chain_id")) else {
            throw MalformedValue("a fee record without a task or a chain")
        }
        self.init(
            executionID: try ExecutionID(recorded: try json.text("execution_id")), taskID: task,
            owner: try Address(recorded: try json.text("owner")),
            share: ValueFee(tier: tier, percentage: try json.text("tier_percentage")),
            value: try json.amount("tx_value_wei"), fee: try json.amount("fee_amount_wei"),
            recordedAt: Timestamp(milliseconds: try json.integer("timestamp")), chainID: chainID)
    }

    public var stored: [UInt8] {
        let json: JSONValue = [
            "execution_id": .string("\(executionID)"), "task_id": .string("\(taskID)"),
            "owner": .string(owner.lowercased), "tier": .number(Double(share.tier.rawValue)),
            "tier_percentage": .string(share.percentage), "tx_value_wei": .string("\(value)"),
            "fee_amount_wei": .string("\(fee)"), "timestamp": .number(Double(recordedAt.milliseconds)),
            "chain_id": .string("\(chainID)"),
        ]
        return Array(json.serialized.utf8)
    }
}

extension JSONValue {
    fileprivate func text(_ name: String) throws -> String {
        guard let text = self[name]?.stringValue else { throw MalformedValue("'\(name)' is no text") }
        return text
    }

    fileprivate func integer(_ name: String) throws -> Int64 {
        guard let number = self[name]?.doubleValue, let integer = Int64(exactly: number) else {
            throw MalformedValue("'\(name)' is no integer")
        }
        return integer
    }

    fileprivate func amount(_ name: String) throws -> UInt256 {
        guard let amount = UInt256(decimal: try text(name)) else { throw MalformedValue("'\(name)' is no amount") }
        return amount
    }
}
