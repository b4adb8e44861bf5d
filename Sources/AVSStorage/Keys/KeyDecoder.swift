/// Reads a key's parts in order, by position: a part of fixed length takes exactly that many bytes.
public struct KeyDecoder: Sendable {
    private let key: [UInt8]
    private var position: Int
    private let firstPart: Int

    /// - Throws: ``StorageError/undecodable(key:reason:)`` if the key is not of this table.
    public init(_ key: [UInt8], of table: Table) throws(StorageError) {
        let prefix = table.prefix.utf8
        guard key.starts(with: prefix) else {
            throw .undecodable(key: key, reason: "does not start with \(table.prefix)")
        }
        self.key = key
        position = prefix.count
        firstPart = prefix.count
    }

    /// Reads the next part.
    ///
    /// - Throws: ``StorageError/undecodable(key:reason:)`` if the key ends early or the bytes are no such part.
    public mutating func read<Part: KeyPart>(_ type: Part.Type = Part.self) throws(StorageError) -> Part {
        let bytes = try next(length: Part.keyPartLength, what: "\(Part.self)")
        guard let part = Part(keyPart: bytes) else {
            throw .undecodable(key: key, reason: "\(StorageError.printable(bytes)) is not a \(Part.self)")
        }
        return part
    }

    /// Reads a part that is the same in every key.
    public mutating func read(literal text: StaticString) throws(StorageError) {
        let wanted = Array(text.description.utf8)
        let bytes = try next(length: wanted.count, what: text.description)
        guard bytes == wanted else {
            throw .undecodable(key: key, reason: "\(StorageError.printable(bytes)) is not \(text)")
        }
    }

    /// - Throws: ``StorageError/undecodable(key:reason:)`` if bytes are left over.
    func finish() throws(StorageError) {
        guard position == key.count else {
            throw .undecodable(key: key, reason: "\(key.count - position) bytes too many")
        }
    }

    private mutating func next(length: Int?, what: String) throws(StorageError) -> [UInt8] {
        if position > firstPart {
            guard position < key.count, key[position] == UInt8(ascii: ":") else {
                throw .undecodable(key: key, reason: "no colon at byte \(position), before \(what)")
            }
            position += 1
        }
        let rest = key[position...]
        let count = length ?? (rest.firstIndex(of: UInt8(ascii: ":")) ?? key.count) - position
        guard rest.count >= count else {
            throw .undecodable(key: key, reason: "key ends early: \(what) takes \(count) bytes, \(rest.count) are left")
        }
        position += count
        return Array(rest.prefix(count))
    }
}
