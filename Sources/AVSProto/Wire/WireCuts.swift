/// The parts of a message that protobuf-c shall not see, and the lengths of the messages around them without those.
struct WireCuts {
    private struct Edit {
        var range: Range<Int>
        var replacement: [UInt8] = []
    }

    /// None overlaps another.
    private var edits: [Edit] = []
    /// Bytes that were cut so far.
    private(set) var byteCount = 0

    var isEmpty: Bool { edits.isEmpty }

    mutating func remove(_ range: Range<Int>) {
        edits.append(Edit(range: range))
        byteCount += range.count
    }

    /// Has the length that is written at `range` say `value`, which is smaller than before.
    ///
    /// It keeps its number of bytes, padded with zero groups. Otherwise the lengths around it would change as well.
    mutating func rewrite(length range: Range<Int>, to value: Int) {
        let last = range.count - 1
        let groups = (0...last).map { UInt8(truncatingIfNeeded: value >> (7 * $0)) & 0x7F | ($0 < last ? 0x80 : 0) }
        edits.append(Edit(range: range, replacement: groups))
    }

    /// The message without the cut parts.
    func applied(to bytes: Span<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count - byteCount)
        var position = 0
        for edit in edits.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            output.append(bytes.extracting(position..<edit.range.lowerBound))
            output += edit.replacement
            position = edit.range.upperBound
        }
        output.append(bytes.extracting(position..<bytes.count))
        return output
    }
}

extension [UInt8] {
    mutating func append(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
