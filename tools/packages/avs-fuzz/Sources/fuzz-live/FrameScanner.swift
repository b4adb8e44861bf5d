/// Cuts what an honest peer sends into frames.
struct FrameScanner {
    struct Frame {
        var type: UInt8
        var flags: UInt8
        var stream: Int
        var payload: ArraySlice<UInt8>

        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let reset: UInt8 = 3
        var endsStream: Bool { flags & 1 != 0 }
    }

    private var bytes: [UInt8] = []
    private var start = 0

    mutating func append(_ more: [UInt8]) {
        if start > 64 * 1_024 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes += more
    }

    mutating func skip(_ count: Int) -> Bool {
        guard bytes.count - start >= count else { return false }
        start += count
        return true
    }

    mutating func next() -> Frame? {
        guard bytes.count - start >= 9 else { return nil }
        let head = bytes[start..<(start + 9)]
        let length = head.prefix(3).reduce(0) { $0 << 8 | Int($1) }
        guard bytes.count - start - 9 >= length else { return nil }
        defer { start += 9 + length }
        return Frame(
            type: bytes[start + 3], flags: bytes[start + 4],
            stream: head.suffix(4).reduce(0) { $0 << 8 | Int($1) } & 0x7fff_ffff,
            payload: bytes[(start + 9)..<(start + 9 + length)])
    }
}

/// Moves the streams of a conversation: it was made for a connection that has had none.
enum StreamShift {
    /// Streams below this are moved.
    static let span = 512

    static func apply(_ bytes: inout [UInt8], by offset: Int) {
        var start = 0
        while bytes.count - start >= 9 {
            let length = bytes[start..<(start + 3)].reduce(0) { $0 << 8 | Int($1) }
            let stream = bytes[(start + 5)..<(start + 9)].reduce(0) { $0 << 8 | Int($1) }
            if stream > 0, stream < span {
                for place in 0..<4 {
                    bytes[start + 5 + place] = UInt8(truncatingIfNeeded: (stream + offset) >> (24 - 8 * place))
                }
            }
            start += 9 + length
        }
    }
}
