import AVSStorage
import Glibc

/// What was once acknowledged, as the commit mark remembers it (DUR-15).
public struct CommitMark: Hashable, Sendable {
    /// 16 bytes.
    public var databaseID: [UInt8]
    public var epoch: UInt64
    public var commit: UInt64
}

extension CommitMark {
    /// One slot of the file:
    ///
    ///     | "AVSMARK1": 8 bytes | database id: 16 | epoch: 8 | commit: 8 | CRC-32C of these 40 bytes: 4 |
    ///
    /// Numbers are big-endian.
    static let slotBytes = 44
    private static let magic = Array("AVSMARK1".utf8)

    var slot: [UInt8] {
        let body = Self.magic + databaseID + BigEndianNumber(epoch).stored + BigEndianNumber(commit).stored
        let sum = CRC32C.checksum(of: body)
        return body + (0..<4).map { UInt8(truncatingIfNeeded: sum >> (24 - 8 * $0)) }
    }

    /// `nil` if the bytes are not a whole slot: never written, or torn.
    init?(slot: [UInt8]) {
        guard slot.count == Self.slotBytes, slot.starts(with: Self.magic) else { return nil }
        let sum = slot.suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard CRC32C.checksum(of: slot.prefix(40)) == sum else { return nil }
        databaseID = Array(slot[8..<24])
        epoch = slot[24..<32].reduce(0) { $0 << 8 | UInt64($1) }
        commit = slot[32..<40].reduce(0) { $0 << 8 | UInt64($1) }
    }

    func isOlder(than other: CommitMark) -> Bool {
        (epoch, commit) < (other.epoch, other.commit)
    }
}

/// The file with two slots, written in turn, so that a torn write leaves the other one.
///
/// The slots are a block of 4 KiB apart: one sector never holds both.
struct CommitMarkFile: ~Copyable, Sendable {
    private let file: File
    private var nextSlot: Int
    private(set) var last: CommitMark?
    private static let slotDistance = 4_096

    /// Opens the file if there is one.
    ///
    /// - Throws: ``StorageError/rolledBack(_:)`` if it holds no whole slot: then nothing can be proven (DUR-5).
    static func open(_ path: String) throws(StorageError) -> CommitMarkFile? {
        guard unsafe access(path, F_OK) == 0 else {
            if errno == ENOENT { return nil }
            throw .system("access", path)
        }
        let file = try File(path, .readWrite)
        var slots: [CommitMark?] = []
        for index in 0..<2 {
            slots.append(CommitMark(slot: try file.read(CommitMark.slotBytes, at: index * slotDistance)))
        }
        switch (slots[0], slots[1]) {
        case (nil, nil): throw .rolledBack("the commit mark \(path) is damaged")
        case (let first?, nil): return CommitMarkFile(file: file, nextSlot: 1, last: first)
        case (nil, let second?): return CommitMarkFile(file: file, nextSlot: 0, last: second)
        case (let first?, let second?):
            let secondIsLast = first.isOlder(than: second)
            return CommitMarkFile(file: file, nextSlot: secondIsLast ? 0 : 1, last: secondIsLast ? second : first)
        }
    }

    /// Makes the file, whole or not at all. It takes all its space now, so that writing a mark never meets a full disk.
    static func create(
        _ name: String, in directory: Directory, _ mark: CommitMark
    ) throws(StorageError) -> CommitMarkFile {
        let file = try File(directory.file(name + ".new"), .create)
        try file.write([UInt8](repeating: 0, count: 2 * slotDistance), at: 0)
        var marks = CommitMarkFile(file: file, nextSlot: 0, last: nil)
        try marks.write(mark)
        try directory.rename(name + ".new", to: name)
        try directory.sync()
        return marks
    }

    private init(file: consuming File, nextSlot: Int, last: CommitMark?) {
        self.file = file
        self.nextSlot = nextSlot
        self.last = last
    }

    /// Durable when it returns.
    mutating func write(_ mark: CommitMark) throws(StorageError) {
        try file.write(mark.slot, at: nextSlot * Self.slotDistance)
        try file.sync()
        nextSlot = 1 - nextSlot
        last = mark
    }
}

/// CRC-32C (Castagnoli), bit by bit: it runs over 40 bytes once a second.
enum CRC32C {
    static func checksum(of bytes: some Sequence<UInt8>) -> UInt32 {
        var sum = ~UInt32(0)
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0x82f6_3b78 : sum >> 1 }
        }
        return ~sum
    }
}
