public import AVSModel
public import AVSPrimitives
public import AVSStorage

extension TaskStatus: StoreValue {
    /// Decimal text of the wire number, as `u:` holds it.
    public init(stored: [UInt8]) throws {
        let number = try DecimalText(stored: stored).value
        guard let raw = Int32(exactly: number), let status = TaskStatus(rawValue: raw) else {
            throw MalformedValue("\(number) is no task status")
        }
        self = status
    }

    public var stored: [UInt8] { Array(String(rawValue).utf8) }
}

extension ExecutionStatus: StoreValue {
    public init(stored: [UInt8]) throws {
        let number = try DecimalText(stored: stored).value
        guard let raw = Int32(exactly: number), let status = ExecutionStatus(rawValue: raw) else {
            throw MalformedValue("\(number) is no execution status")
        }
        self = status
    }

    public var stored: [UInt8] { Array(String(rawValue).utf8) }
}

extension Address: StoreValue {
    public init(stored: [UInt8]) throws {
        guard let address = Address(keyPart: stored) else {
            throw MalformedValue("\(StorageError.printable(stored)) is no address")
        }
        self = address
    }

    public var stored: [UInt8] { keyPart }
}

/// A promised run: its index, and the job that has it, if one has (DEFECT-29).
///
/// Stored as the index in decimal, followed by ` taken ` and the job's number once a job has it.
public struct PendingRun: StoreValue, Hashable {
    public var index: UInt64
    /// `nil` for a run that its owner asked for and that waits for the next report of an operator.
    public var job: UInt64?

    public init(index: UInt64, job: UInt64?) {
        self.index = index
        self.job = job
    }

    public init(stored: [UInt8]) throws {
        let parts = stored.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map { Array($0) }
        switch parts.count {
        case 1: job = nil
        case 3 where parts[1] == Array("taken".utf8): job = try DecimalText(stored: parts[2]).value
        default: throw MalformedValue("\(StorageError.printable(stored)) is no promised run")
        }
        index = try DecimalText(stored: parts[0]).value
    }

    public var stored: [UInt8] {
        guard let job else { return DecimalText(index).stored }
        return Array("\(index) taken \(job)".utf8)
    }
}
