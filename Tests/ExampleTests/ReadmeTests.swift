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
}

@Suite("The article on AVSClient")
struct GuideTests {
    @Test("shows exactly what is compiled, in the same order")
    func showsWhatIsCompiled() throws {
        let source = try text("Tests/ExampleTests/ClientGuide.swift")
        let article = try text("Sources/AVSClient/AVSClient.docc/AVSClient.md")
        let compiled = pieces(from: "    // guide-begin\n", to: "    // guide-end", of: source).map { piece in
            piece.split(separator: "\n", omittingEmptySubsequences: false).map { $0.dropFirst(4) }.joined(
                separator: "\n")
        }
        #expect(pieces(from: "```swift\n", to: "```", of: article) == compiled)
        #expect(compiled.count == 5)
    }

    private func pieces(from start: String, to end: String, of text: String) -> [String] {
        var (rest, found) = (text, [String]())
        while let piece = between(start, end, in: rest), let begin = rest.range(of: start) {
            found.append(piece)
            rest = String(rest[begin.upperBound...].dropFirst(piece.count + end.count))
        }
        return found
    }
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
