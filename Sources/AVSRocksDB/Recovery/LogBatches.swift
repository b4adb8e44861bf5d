/// Which write batches a log of the library has, read from its framing alone, also behind damage.
///
/// A log is blocks of 32 KiB. A block is a sequence of fragments:
///
///     | checksum: 4 | length: 2 | type: 1 | payload: length |
///
/// with numbers in little-endian. The types 1 (whole) and 2 (first) begin a batch, whose payload begins with its 8-byte
/// sequence number; 3 and 4 go on with one; 0 fills the rest of a block. Checksums are not looked at: a batch with a
/// flipped bit is a batch that is lost, and has to be counted.
enum LogBatches {
    private static let blockBytes = 32 << 10
    private static let headerBytes = 7
    private static let sequenceBytes = 8

    /// The sequence numbers of the batches that begin in `log`, in the order of the file.
    ///
    /// Where a block's framing is broken, the rest of that block is passed over: there may have been more.
    static func sequences(in log: [UInt8]) -> [UInt64] {
        stride(from: 0, to: log.count, by: blockBytes).flatMap { start in
            sequences(inBlock: log[start..<min(start + blockBytes, log.count)])
        }
    }

    private static func sequences(inBlock block: ArraySlice<UInt8>) -> [UInt64] {
        var found: [UInt64] = []
        var rest = block
        while rest.count >= headerBytes {
            let header = Array(rest.prefix(headerBytes))
            let (length, type) = (Int(header[4]) | Int(header[5]) << 8, header[6])
            let payload = rest.dropFirst(headerBytes)
            guard (1...4).contains(type), length <= payload.count else { break }
            if type <= 2, length >= sequenceBytes {
                found.append(payload.prefix(sequenceBytes).reversed().reduce(0) { $0 << 8 | UInt64($1) })
            }
            rest = payload.dropFirst(length)
        }
        return found
    }
}
