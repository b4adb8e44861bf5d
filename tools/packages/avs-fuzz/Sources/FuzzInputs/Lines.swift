/// Inputs that are lines `name:value`: fields of a request or of an answer.
package enum Lines {
    package static func forEach(of input: [UInt8], _ body: (Span<UInt8>, Span<UInt8>) -> Void) {
        for line in input.split(separator: 10) {
            let bytes = Array(line)
            // A colon may be the first character of a name.
            let colon = bytes.dropFirst().firstIndex(of: UInt8(ascii: ":")) ?? bytes.count
            let value = min(bytes.count, colon + 1)
            body(bytes.span.extracting(0..<colon), bytes.span.extracting(value..<bytes.count))
        }
    }

    package static func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        var lines = seed.split(separator: 10).map { Array($0) }
        for _ in 0...random.below(4) {
            let index = random.below(lines.count)
            switch lines.isEmpty ? 0 : random.below(6) {
            case 0:
                let name = Array(random.pick(Frames.names, or: "te").utf8)
                lines.append(name + [UInt8(ascii: ":")] + Array(random.pick(Frames.values, or: "").utf8))
            case 1: lines.remove(at: index)
            case 2: lines.swapAt(index, random.below(lines.count))
            default: Mutation.change(&lines[index], &random, splicing: other)
            }
        }
        return Array(lines.joined(separator: [10]))
    }
}
