import AVSChain
import AVSPrimitives
import AVSStorage

/// A position in a chain.
///
///     | number of the newest block: 8 bytes, big-endian | hashes, oldest first: 32 bytes each |
struct StoredPosition: StoreValue, Hashable {
    var position: ChainPosition

    init(_ position: ChainPosition) { self.position = position }

    init(stored: [UInt8]) throws {
        guard stored.count >= 8, (stored.count - 8) % 32 == 0 else {
            throw MalformedValue("\(stored.count) bytes are no position: 8 and a multiple of 32 are")
        }
        let number = stored.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let hashes = stride(from: 8, to: stored.count, by: 32).compactMap { Hash32(bytes: stored[$0..<$0 + 32]) }
        position = ChainPosition(number: number, hashes: hashes)
    }

    var stored: [UInt8] {
        let number = (0..<8).map { UInt8(truncatingIfNeeded: position.number >> (56 - 8 * UInt64($0))) }
        return number + position.hashes.flatMap(\.bytes)
    }
}
