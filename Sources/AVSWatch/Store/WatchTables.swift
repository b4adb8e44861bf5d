import AVSChain
import AVSModel
import AVSPrimitives
import AVSStorage

// The operator's whole database on one page. It is small and its own: nothing of it is shared with an aggregator.
extension Table {
    /// `watched:<task id>` → the message of the stream that told us to watch it.
    static let watched = Table(prefix: "watched:")
    /// `position:<chain id>` → the newest blocks of which everything was looked at and written to the outbox.
    static let position = Table(prefix: "position:")
    /// `outbox:<number>` → a report that has no final answer yet.
    static let outbox = Table(prefix: "outbox:")
    /// `rest:<task id>` → when the event trigger last matched: the start of its cooldown.
    static let rest = Table(prefix: "rest:")
    /// `mark:<task id>` → the last tick that was handled.
    static let mark = Table(prefix: "mark:")
}

struct TaskPart: KeyPart {
    static let keyPartLength: Int? = 26
    let id: TaskID

    init(_ id: TaskID) { self.id = id }

    init?(keyPart: [UInt8]) {
        guard let text = String(validating: keyPart, as: UTF8.self), let id = TaskID(text) else { return nil }
        self.id = id
    }

    var keyPart: [UInt8] { Array(id.description.utf8) }
}

struct WatchedKey: StoreKey {
    typealias Value = [UInt8]
    static let table = Table.watched
    var task: TaskPart

    init(_ id: TaskID) { task = TaskPart(id) }
    func encode(into key: inout KeyEncoder) { key.append(task) }
    init(decoding key: inout KeyDecoder) throws(StorageError) { task = try key.read() }
}

struct PositionKey: StoreKey {
    typealias Value = StoredPosition
    static let table = Table.position
    var chainID: UInt64

    init(_ chainID: UInt64) { self.chainID = chainID }
    func encode(into key: inout KeyEncoder) { key.append(chainID) }
    init(decoding key: inout KeyDecoder) throws(StorageError) { chainID = try key.read() }
}

struct OutboxKey: StoreKey {
    typealias Value = OutboxRecord
    static let table = Table.outbox
    var number: UInt64

    init(_ number: UInt64) { self.number = number }
    func encode(into key: inout KeyEncoder) { key.append(number) }
    init(decoding key: inout KeyDecoder) throws(StorageError) { number = try key.read() }
}

struct RestKey: StoreKey {
    typealias Value = DecimalText
    static let table = Table.rest
    var task: TaskPart

    init(_ id: TaskID) { task = TaskPart(id) }
    func encode(into key: inout KeyEncoder) { key.append(task) }
    init(decoding key: inout KeyDecoder) throws(StorageError) { task = try key.read() }
}

struct MarkKey: StoreKey {
    typealias Value = DecimalText
    static let table = Table.mark
    var task: TaskPart

    init(_ id: TaskID) { task = TaskPart(id) }
    func encode(into key: inout KeyEncoder) { key.append(task) }
    init(decoding key: inout KeyDecoder) throws(StorageError) { task = try key.read() }
}

extension DecimalText {
    init(_ instant: Timestamp) { self.init(UInt64(clamping: instant.milliseconds)) }
    var timestamp: Timestamp { Timestamp(milliseconds: Int64(clamping: value)) }
}
