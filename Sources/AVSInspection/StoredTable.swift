public import AVSPrimitives
import AVSProto
import AVSStorage

/// One table as a person sees it: its name, its prefix, and how its rows become JSON.
public struct StoredTable: Sendable {
    /// `task`, `history`, `meta`.
    public let name: String
    /// What its keys start with.
    public let prefix: String
    /// What is wrong with a key, or nil.
    private let checkKey: @Sendable ([UInt8]) throws -> Void
    /// What is wrong with a value, or nothing.
    private let checkValue: @Sendable ([UInt8]) throws -> Void
    /// A value that the service can read, as JSON.
    private let show: @Sendable ([UInt8]) throws -> JSONValue

    /// A row as far as it can be read.
    public enum Content: Hashable, Sendable {
        case readable(JSONValue)
        /// The service could not use it either.
        case unreadable(reason: String)
        /// A secret: nobody reads it here.
        case hidden(byteCount: Int)
    }

    init(
        name: String, prefix: String, checkKey: @escaping @Sendable ([UInt8]) throws -> Void,
        checkValue: @escaping @Sendable ([UInt8]) throws -> Void = { _ in },
        show: @escaping @Sendable ([UInt8]) throws -> JSONValue
    ) {
        self.name = name
        self.prefix = prefix
        self.checkKey = checkKey
        self.checkValue = checkValue
        self.show = show
    }

    /// A table of typed keys whose values are messages. A row is readable when the service can read it: key and value.
    init<Key: StoreKey, Record: ProtoMessage>(_ name: String, _ key: Key.Type, record: Record.Type) {
        self.init(
            name: name, prefix: Key.table.prefix, checkKey: { _ = try Key(bytes: $0) },
            checkValue: { _ = try Key.Value(stored: $0) },
            show: { RecordView.json(try Record(serialized: $0)) })
    }

    /// A table of typed keys whose values are text.
    init<Key: StoreKey>(_ name: String, texts key: Key.Type) {
        self.init(
            name: name, prefix: Key.table.prefix, checkKey: { _ = try Key(bytes: $0) },
            checkValue: { _ = try Key.Value(stored: $0) }, show: { .string(try String(stored: $0)) })
    }

    /// A table of typed keys that say all there is to say.
    init<Key: StoreKey>(_ name: String, empty key: Key.Type) where Key.Value == [UInt8] {
        self.init(
            name: name, prefix: Key.table.prefix, checkKey: { _ = try Key(bytes: $0) },
            show: { .string(Hex.encode($0)) })
    }

    /// What is in a row of this table.
    public func content(key: [UInt8], value: [UInt8]) -> Content {
        guard self != .secret else { return .hidden(byteCount: value.count) }
        if let problem = problem(key: key, value: value) { return .unreadable(reason: problem) }
        do {
            return .readable(try show(value))
        } catch {
            return .unreadable(reason: "value: \(error)")
        }
    }

    /// Why the service could not use a row of this table; nil when it can. Much less work than showing it.
    func problem(key: [UInt8], value: [UInt8]) -> String? {
        do {
            try checkKey(key)
            try checkValue(value)
            return nil
        } catch StorageError.undecodable(_, let reason) {
            return "key: \(reason)"
        } catch {
            return "value: \(error)"
        }
    }
}

extension StoredTable: Hashable {
    public static func == (lhs: StoredTable, rhs: StoredTable) -> Bool { lhs.prefix == rhs.prefix }
    public func hash(into hasher: inout Hasher) { hasher.combine(prefix) }
}
