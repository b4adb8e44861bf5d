/// Inputs that are a row of records with a head and a length: HTTP/2 frames, TLS records, gRPC messages.
///
/// Such an input is taken apart, changed record by record, and put together again, mostly with lengths that are right:
/// what changes only bytes hardly ever gets past the first head.
package struct Records {
    package struct Shape: Sendable {
        /// Bytes before the first record: HTTP/2's magic.
        package var preamble: Int
        package var headBytes: Int
        /// Where the length stands in the head.
        package var length: Range<Int>
        /// Makes a record that is at home in this protocol.
        package var fresh: @Sendable (inout Generator) -> [UInt8]

        package init(
            preamble: Int = 0, headBytes: Int, length: Range<Int>,
            fresh: @escaping @Sendable (inout Generator) -> [UInt8]
        ) {
            self.preamble = preamble
            self.headBytes = headBytes
            self.length = length
            self.fresh = fresh
        }
    }

    private var preamble: [UInt8]
    private var records: [[UInt8]] = []
    private let shape: Shape

    package init(_ bytes: [UInt8], _ shape: Shape) {
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

    /// A few changes of records, and sometimes one of bytes.
    package static func changed(
        _ seed: [UInt8], _ shape: Shape, splicing other: [UInt8], _ random: inout Generator, atMost most: Int = 6
    ) -> [UInt8] {
        var records = Records(seed, shape)
        for _ in 0...random.below(most) { records.change(&random, splicing: other) }
        var input = records.bytes
        if random.oneIn(most == 1 ? 64 : 8) { Mutation.change(&input, &random, splicing: other) }
        return input
    }

    package mutating func change(_ random: inout Generator, splicing other: [UInt8]) {
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

    package var bytes: [UInt8] { Array((preamble + records.joined()).prefix(Mutation.longestInput)) }
}

extension Records.Shape {
    /// | type: 1 | version: 2 | length: 2 | payload |
    package static let tlsRecords = Records.Shape(headBytes: 5, length: 3..<5) { random in
        let type = random.pick([20, 21, 22, 23, 24] as [UInt8], or: 22)
        let body = random.bytes(random.below(80))
        return [type, 3, UInt8(random.below(5))] + bigEndian(body.count, 2) + body
    }

    /// | compressed: 1 | length: 4 | message |
    package static let messages = Records.Shape(headBytes: 5, length: 1..<5) { random in
        let body = random.bytes(random.below(64))
        return [UInt8(random.below(3))] + bigEndian(body.count, 4) + body
    }
}

/// Big-endian bytes of a number.
package func bigEndian(_ number: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * (count - 1 - $0))) }
}
