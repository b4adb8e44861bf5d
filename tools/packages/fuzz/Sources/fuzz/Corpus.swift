import Foundation

/// The kept inputs of a target: `corpus/TARGET.txt`, one to a line.
///
///     # what the next lines are about
///     name 50524920…            bytes as hex
///     name "te:trailers\nx:y"   text; \n is a new line
///
/// An input that once failed stays here under the name of what it did.
struct Corpus {
    private(set) var inputs: [[UInt8]] = []

    init(of target: any Target.Type, in folder: URL) throws {
        let file = folder.appendingPathComponent("\(target.name).txt")
        for (number, line) in try String(contentsOf: file, encoding: .utf8).split(separator: "\n").enumerated() {
            guard !line.hasPrefix("#"), let space = line.firstIndex(of: " ") else { continue }
            let text = line[line.index(after: space)...]
            guard let bytes = Self.bytes(text) else { throw Malformed(file: file.lastPathComponent, line: number + 1) }
            inputs.append(bytes)
        }
        guard !inputs.isEmpty else { throw Malformed(file: file.lastPathComponent, line: 1) }
    }

    struct Malformed: Error, CustomStringConvertible {
        let file: String
        let line: Int
        var description: String { "\(file): line \(line) is neither hex nor a quoted text" }
    }

    private static func bytes(_ text: Substring) -> [UInt8]? {
        if text.hasPrefix("\""), text.hasSuffix("\""), text.count >= 2 {
            return Array(text.dropFirst().dropLast().replacing("\\n", with: "\n").utf8)
        }
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index..<(index + 2)], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        return bytes
    }

    /// The input of a number, and the generator that decides how it arrives.
    func input(
        _ number: UInt64, for target: some Target, seed: UInt64
    ) -> (bytes: [UInt8], random: Generator) {
        var random = Generator(seed: seed, number: number)
        // The corpus itself comes first, as it is.
        guard number >= UInt64(inputs.count) else { return (inputs[Int(number)], random) }
        let first = random.pick(inputs, or: [])
        let second = random.pick(inputs, or: [])
        return (target.mutate(first, splicing: second, &random), random)
    }
}

func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
