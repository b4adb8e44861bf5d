/// Inputs that are a row of records with a head and a length: HTTP/2 frames, TLS records, gRPC messages.
///
/// Such an input is taken apart, changed record by record, and put together again, mostly with lengths that are right:
/// what changes only bytes hardly ever gets past the first head.
struct Records {
    struct Shape: Sendable {
        /// Bytes before the first record: HTTP/2's magic.
        var preamble = 0
        var headBytes: Int
        /// Where the length stands in the head.
        var length: Range<Int>
        /// Makes a record that is at home in this protocol.
        var fresh: @Sendable (inout Generator) -> [UInt8]
    }

    private var preamble: [UInt8]
    private var records: [[UInt8]] = []
    private let shape: Shape

    init(_ bytes: [UInt8], _ shape: Shape) {
        self.shape = shape
        preamble = Array(bytes.prefix(shape.preamble))
        var start = preamble.count
        while start < bytes.count {
            let end = Self.end(of: bytes, start, shape)
            records.append(Array(bytes[start..<end]))
            start = end
        }
    }

    private static func end(of bytes: [UInt8], _ start: Int, _ shape: Shape) -> Int {
        guard bytes.count - start >= shape.headBytes else { return bytes.count }
        let length = bytes[(start + shape.length.lowerBound)..<(start + shape.length.upperBound)]
            .reduce(0) { $0 << 8 | Int($1) }
        return min(bytes.count, start + shape.headBytes + length)
    }

    mutating func change(_ random: inout Generator, splicing other: [UInt8]) {
        if random.oneIn(64) { Mutation.change(&preamble, &random, splicing: other) }
        let index = random.below(records.count)
        switch records.isEmpty ? 0 : random.below(8) {
        case 0, 1: records.insert(shape.fresh(&random), at: random.below(records.count + 1))
        case 2: records.remove(at: index)
        case 3: records.insert(records[index], at: random.below(records.count))
        case 4: records.swapAt(index, random.below(records.count))
        case 5: changeHead(index, &random)
        default: changeBody(index, &random, splicing: other)
        }
    }

    private mutating func changeHead(_ index: Int, _ random: inout Generator) {
        guard records[index].count >= shape.headBytes else { return }
        records[index][random.below(shape.headBytes)] = UInt8(truncatingIfNeeded: random.next() >> UInt64(random.below(8)))
    }

    private mutating func changeBody(_ index: Int, _ random: inout Generator, splicing other: [UInt8]) {
        guard records[index].count >= shape.headBytes else { return }
        var body = Array(records[index][shape.headBytes...])
        for _ in 0...random.below(3) { Mutation.change(&body, &random, splicing: other) }
        records[index].replaceSubrange(shape.headBytes..., with: body)
        guard !random.oneIn(8) else { return }  // sometimes the length stays wrong
        var length = body.count
        for place in shape.length.reversed() {
            records[index][place] = UInt8(truncatingIfNeeded: length)
            length >>= 8
        }
    }

    var bytes: [UInt8] { Array((preamble + records.joined()).prefix(Mutation.longestInput)) }
}

/// Big-endian bytes of a number.
func bigEndian(_ number: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * (count - 1 - $0))) }
}
