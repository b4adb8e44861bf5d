import Foundation
import Testing

@testable import AVSPrimitives

@Suite("Base 64")
struct Base64Tests {
    /// Origin: RFC 4648, section 10.
    @Test(
        "gives the vectors of RFC 4648",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func published(plain: String, text: String) {
        #expect(Base64.encode(Array(plain.utf8)) == text && Base64.decode(text) == Array(plain.utf8))
        let unpadded = text.filter { $0 != "=" }
        #expect(Base64.encodeURL(Array(plain.utf8)) == unpadded && Base64.decodeURL(unpadded) == Array(plain.utf8))
    }

    @Test("agrees with Foundation on what it writes", arguments: 0..<60 as Range<UInt64>)
    func roundTrip(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bytes = random.bytes(Int(seed))
        let text = Base64.encode(bytes)
        #expect(text == Data(bytes).base64EncodedString() && Base64.decode(text) == bytes)
        #expect(Base64.decodeURL(Base64.encodeURL(bytes)) == bytes)
    }

    @Test(
        "INP-9: refuses a second text for the same bytes, and other alphabets",
        arguments: [
            "QR==", "QUF=", "Q", "QQ", "QQ=", "QQ===", "====", "=", "Q===", "QQ==\n", "\nQQ==", "QQ==QQ==", "QQ=Q",
            "QQ-_",
            "QQ ==", "Ｑ===", "Zm9v====",
        ])
    func refusals(text: String) { #expect(Base64.decode(text) == nil) }

    @Test(
        "JWT-1: refuses padding and non-canonical endings in the URL alphabet",
        arguments: ["QQ==", "QR", "QUF", "Q", "Zm9v+A", "Zm9v/A", "Zm9v.", "Zm 9v"])
    func urlRefusals(text: String) { #expect(Base64.decodeURL(text) == nil) }

    @Test("decodes only what encodes back", arguments: 0..<40 as Range<UInt64>)
    func canonical(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("ABab01-_+/=".utf8)
        for _ in 0..<50 {
            let characters = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            let text = String(decoding: characters, as: UTF8.self)
            if let bytes = Base64.decode(text) { #expect(Base64.encode(bytes) == text) }
            if let bytes = Base64.decodeURL(text) { #expect(Base64.encodeURL(bytes) == text) }
        }
    }
}
