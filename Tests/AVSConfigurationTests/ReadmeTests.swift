import Foundation
import Testing

@testable import AVSConfiguration

@Suite("The README")
struct ReadmeTests {
    /// The indented lines behind the sentence that announces the example.
    private func example() throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let lines = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0 == "    environment: development" })
        return lines[start...].prefix { $0.hasPrefix("    ") }.map { $0.dropFirst(4) + "\n" }.joined()
    }

    @Test("shows a configuration that works")
    func configuration() throws {
        let text = try example().replacing("0x…", with: "0x997e5d40a32c44a3d93e59fc55c4fd20b7d2d49d")
        let loaded = try AggregatorConfiguration.read(Array(text.utf8), file: "README.md", facts: facts)
        #expect(loaded.value.environment == .development && loaded.value.chains.map(\.id) == [31_337])
        #expect(loaded.warnings.isEmpty)
    }
}
