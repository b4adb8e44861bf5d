/// What can go wrong in a store. A case exists where some caller acts on it differently.
public enum StorageError: Error, Hashable, Sendable {
    /// The bytes under `key` are not what the key's type says. Other rows are unaffected.
    case undecodable(key: [UInt8], reason: String)
    /// Stored data fails its checksum (FAIL-4): DATA_LOSS for this call.
    case corrupt(String)
    /// The database is older than what it once acknowledged, or is another one (DUR-15): exit code 65.
    case rolledBack(String)
    /// Another process has the database open; `by` says which one, as far as it is known: exit code 75.
    case locked(by: String)
    /// Writing is off for now and reading goes on (FAIL-2, FAIL-5). Nothing was changed; try again later.
    case readOnly(String)
    /// The changes may or may not be durable (FAIL-1). Never repeat an update on this error: look first.
    case outcomeUnknown(String)
    /// One update, key or value is over its bound (DUR-8). Nothing was changed.
    case tooLarge(bytes: Int, limit: Int)
    /// The intake of updates is full (OVL-1). Nothing was changed; try again later.
    case overloaded(String)
    /// There is no database at this path, or it does not carry our marker (FAIL-7): exit code 78.
    case notFound(path: String)
    /// The directory or the database is not one that we may use: owner, mode, options: exit code 78.
    case unusable(String)
    /// Too little space to open the database safely (FAIL-5): exit code 75.
    case noSpace(String)
    /// The store was closed.
    case closed
    /// A call was wrong in itself, for example a scan without a bound. A mistake of ours, never of the data.
    case misuse(String)
    /// The library or the system refused: the call, and its own words.
    case io(call: String, text: String)
}

extension StorageError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .undecodable(let key, let reason): "undecodable \(Self.printable(key)): \(reason)"
        case .corrupt(let text): "stored data is damaged: \(text)"
        case .rolledBack(let text): "acknowledged data is missing: \(text)"
        case .locked(let holder): "database locked by another process: \(holder)"
        case .readOnly(let reason): "storage is read-only: \(reason)"
        case .outcomeUnknown(let text): "outcome unknown: \(text)"
        case .tooLarge(let bytes, let limit): "too large: \(bytes) bytes, limit \(limit)"
        case .overloaded(let text): "storage is overloaded: \(text)"
        case .notFound(let path): "no database at \(path)"
        case .unusable(let text): "unusable: \(text)"
        case .noSpace(let text): "not enough free space: \(text)"
        case .closed: "the store is closed"
        case .misuse(let text): "wrong use of the store: \(text)"
        case .io(let call, let text): "\(call): \(text)"
        }
    }

    /// How a program ends that cannot start or go on because of this (section 1.5). All programs use this table.
    public var exitCode: Int32 {
        switch self {
        case .corrupt, .rolledBack, .undecodable: 65
        case .misuse, .closed, .tooLarge: 70
        case .outcomeUnknown, .io: 74
        case .locked, .noSpace, .readOnly, .overloaded: 75
        case .notFound, .unusable: 78
        }
    }

    /// A key as text: printable ASCII as it is, other bytes as `\xNN`, at most 128 bytes of it.
    public static func printable(_ key: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in key.prefix(128) {
            if (0x20...0x7e).contains(byte), byte != UInt8(ascii: "\\") {
                text.append(byte)
            } else {
                text += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: text, as: UTF8.self) + (key.count > 128 ? "… (\(key.count) bytes)" : "")
    }
}
