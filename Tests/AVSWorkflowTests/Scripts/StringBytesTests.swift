import Testing

@testable import AVSWorkflow

@Suite("The bytes of a text")
struct StringBytesTests {
    @Test(
        "stand in another, as JavaScript sees it",
        arguments: [
            ("", "", true), ("a", "", true), ("", "a", false), ("abc", "abc", true), ("abc", "abcd", false),
            ("aab", "ab", true),
            ("aaab", "aab", true), ("abcab", "cab", true), ("x.this", "this", true), ("thi s", "this", false),
            ("Ü€𝄞", "€", true),
            // An accent behind a letter makes it another character, and no other bytes; composed, it is another byte.
            ("eval\u{301}(1)", "eval", true), ("caf\u{e9}", "cafe", false), ("cafe\u{301}", "caf\u{e9}", false),
        ])
    func contains(text: String, part: String, stands: Bool) { #expect(text.hasBytes(of: part) == stands) }
}
