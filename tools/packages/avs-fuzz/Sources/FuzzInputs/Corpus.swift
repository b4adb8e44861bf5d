package import Foundation

/// The kept inputs of a target: `corpus/TARGET.txt`, one to a line.
///
///     # what the next lines are about
///     name 50524920…            bytes as hex
///     name "te:trailers\nx:y"   text; \n is a new line
///
/// An input that once failed stays here under the name of what it did.
package struct Corpus: Sendable {
    package private(set) var inputs: [[UInt8]] = []

    package init(of target: String, in folder: URL) throws {
        let file = folder.appendingPathComponent("\(target).txt")
        for (number, line) in try String(contentsOf: file, encoding: .utf8).split(separator: "\n").enumerated() {
            guard !line.hasPrefix("#"), let space = line.firstIndex(of: " ") else { continue }
            let text = line[line.index(after: space)...]
            guard let bytes = Self.bytes(text) else { throw Malformed(file: file.lastPathComponent, line: number + 1) }
            inputs.append(bytes)
        }
        guard !inputs.isEmpty else { throw Malformed(file: file.lastPathComponent, line: 1) }
    }

    package struct Malformed: Error, CustomStringConvertible {
        let file: String
        let line: Int
        package var description: String { "\(file): line \(line) is neither hex nor a quoted text" }
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
}

package func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
