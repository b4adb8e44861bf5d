public import AVSStorage

/// One change of shape that the rows of older releases go through, once.
///
/// Best it works in turns, each of which is one batch: what a turn has changed, and where the next one begins, is
/// durable together. So a process that is killed between two turns goes on where it was. Work that cannot be cut like
/// that begins again from its start, and must come to the same end however often it does.
public struct Migration: Sendable {
    /// What a turn did.
    public struct Turn: Hashable, Sendable {
        /// How many records it changed.
        public var changed: Int
        /// The last key that it looked at; nil when there is nothing left.
        public var last: [UInt8]?

        public init(changed: Int, last: [UInt8]?) {
            self.changed = changed
            self.last = last
        }
    }

    enum Work: Sendable {
        case turns(@Sendable (_ after: [UInt8]?, _ transaction: inout Transaction) throws -> Turn)
        case whole(@Sendable (any KeyValueStore) async throws -> Int)
    }

    public let name: MigrationName
    let work: Work

    /// - Parameter turn: changes the rows behind a key, or from the first on; at most 1,000 of them. As the body of an
    ///   update it is pure over the transaction, because it may run again.
    public init(
        _ name: MigrationName,
        turn: @escaping @Sendable (_ after: [UInt8]?, _ transaction: inout Transaction) throws -> Turn
    ) {
        self.name = name
        work = .turns(turn)
    }

    /// - Parameter whole: does all of it, in updates of bounded size, and returns how many records it changed. After an
    ///   interruption it is called again.
    public init(_ name: MigrationName, whole: @escaping @Sendable (any KeyValueStore) async throws -> Int) {
        self.name = name
        work = .whole(whole)
    }
}

/// `YYYYMMDD-HHMMSS-what`: when it was written, and what it does. So the order of names is their order.
public struct MigrationName: KeyPart, CustomStringConvertible {
    public static let keyPartLength: Int? = nil
    public let keyPart: [UInt8]

    /// Nil unless it is a date, a time, and 1 to 64 of `a-z 0-9 -`.
    public init?(_ text: String) { self.init(keyPart: Array(text.utf8)) }

    public init?(keyPart: [UInt8]) {
        let dash = UInt8(ascii: "-")
        let parts = keyPart.split(separator: dash, maxSplits: 2, omittingEmptySubsequences: false)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        guard parts.count == 3, parts[0].count == 8, parts[1].count == 6, (1...64).contains(parts[2].count),
            (parts[0] + parts[1]).allSatisfy({ digits.contains($0) }),
            parts[2].allSatisfy({ digits.contains($0) || letters.contains($0) || $0 == dash })
        else { return nil }
        self.keyPart = keyPart
    }

    public var description: String { String(decoding: keyPart, as: UTF8.self) }
}
