import Foundation
import Testing

@Suite("The README")
struct ReadmeTests {
    @Test("shows exactly the example that is compiled")
    func showsExample() throws {
        let source = try text("Tests/ExampleTests/ClientExample.swift")
        let indented = try #require(between("    // example-begin\n", "    // example-end", in: source))
        let example = indented.split(separator: "\n").map { $0.dropFirst(4) + "\n" }.joined()
        let section = try #require(between("## A call that works\n", "\n## ", in: try text("README.md") + "\n## "))
        #expect(between("```swift\n", "```", in: section) == example)
        #expect(example.count { $0 == "\n" } == 10)
    }

    /// A file of this package.
    private func text(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return String(decoding: try Data(contentsOf: root.appending(path: path)), as: UTF8.self)
    }

    private func between(_ start: String, _ end: String, in text: String) -> String? {
        guard let begin = text.range(of: start), let end = text[begin.upperBound...].range(of: end) else { return nil }
        return String(text[begin.upperBound..<end.lowerBound])
    }
}
