import AVSTesting
import Testing

@testable import AVSRPC

@Suite("Metadata")
struct MetadataTests {
    @Test("MD-4: keeps values of one name in order")
    func order() throws {
        var metadata = Metadata()
        try metadata.add("A", "1")
        try metadata.add("b", "2")
        try metadata.add("a", "3")
        #expect(metadata["a"] == "1")
        #expect(metadata.values("a") == ["1", "3"])
        #expect(metadata["c"] == nil)
        #expect(metadata.removing("a").count == 1)
    }

    @Test("MD-5, MD-4: is the raw list, in order and with repeats, and only a question looks for a name in it")
    func rawList() throws {
        var metadata = Metadata()
        let fields = (0..<20).map { ("name-\($0 % 3)", "value \($0)") } + [("name-0", "value 0")]
        for (name, value) in fields {
            let isTaken = metadata.receive(name: name.utf8Span.span, value: value.utf8Span.span)
            #expect(isTaken)
        }
        var list: [(String, String)] = []
        metadata.forEach { list.append((String(copying: $0), String(copying: $1))) }
        #expect(list.map(\.0) == fields.map(\.0) && list.map(\.1) == fields.map(\.1))
        #expect(metadata.count == 21)
        #expect(metadata["name-1"] == "value 1")
        #expect(metadata.values("name-0") == [0, 3, 6, 9, 12, 15, 18, 0].map { "value \($0)" })
        // One buffer and a number: there is nowhere a dictionary could be.
        #expect(MemoryLayout<Metadata>.size == 2 * MemoryLayout<Int>.size)
    }

    @Test(
        "MD-1: refuses names at the call site",
        arguments: [
            "", ":path", "a b", "a:b", "ä", "grpc-status", "grpc-timeout", "a\r\n", "te", "content-type",
        ])
    func names(name: String) {
        var metadata = Metadata()
        #expect(throws: MetadataError.self) { try metadata.add(name, "x") }
        #expect(metadata.isEmpty)
    }

    @Test("MD-3: refuses values that are not printable ASCII", arguments: ["\n", "a\r\nb: c", "ä", "\u{7f}", "\t"])
    func values(value: String) {
        var metadata = Metadata()
        #expect(throws: MetadataError.self) { try metadata.add("a", value) }
    }

    @Test("MD-2: bytes go under -bin names and nothing else does")
    func kinds() {
        var metadata = Metadata()
        #expect(throws: MetadataError.textUnderBinaryName("a-bin")) { try metadata.add("a-bin", "x") }
        #expect(throws: MetadataError.bytesUnderTextName("a")) { try metadata.add("a", bytes: [1]) }
    }

    @Test("MD-2: base64 without padding out, any padding in", arguments: 0..<70)
    func base64(count: Int) {
        var random = SeededGenerator(seed: UInt64(count))
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        let text = BinaryMetadata.encode(bytes.span)
        #expect(!text.contains(UInt8(ascii: "=")))
        #expect(BinaryMetadata.decode(text.span) == bytes)
        let padded = text + Array(repeating: UInt8(ascii: "="), count: (4 - text.count % 4) % 4)
        #expect(BinaryMetadata.decode(padded.span) == bytes)
    }

    @Test("MD-3: bytes that HTTP allows and gRPC does not come through and go out again")
    func tolerant() {
        var metadata = Metadata()
        let bytes: [UInt8] = [0x09, 0xff, 0x80]
        let isTaken = metadata.receive(name: "x".utf8Span.span, value: bytes.span)
        #expect(isTaken)
        #expect(metadata["x"] != nil)
        let fields = FieldList.written { metadata.write(into: &$0) }
        #expect(fields.fields.count == 1)
    }
}
