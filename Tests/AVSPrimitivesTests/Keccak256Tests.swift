import Testing

@testable import AVSPrimitives

@Suite("Keccak-256")
struct Keccak256Tests {
    /// Origin: the Keccak team's known answers for the original padding, and the Ethereum yellow paper's constants.
    @Test(
        "gives the published digests",
        arguments: [
            ("", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
            ("cc", "eead6dbfc7340a56caedc044696a168870549a6a7f6f56961e84a54bd9970b8a"),
            ("41fb", "a8eaceda4d47b3281a795ad9e1ea2122b407baf9aabcb9e18b5717b7873537d2"),
            ("616263", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
            ("80", "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"),
            ("c0", "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"),
        ])
    func published(message: String, digest: String) throws {
        #expect(Keccak256.hash(try #require(Hex.decode(message))).hex == "0x" + digest)
    }

    @Test("SIG-10: agrees with another implementation on every length 0…300")
    func lengths() throws {
        let expected = KeccakVectors.firstBytes.filter { !$0.isWhitespace }
        var digests: [UInt8] = []
        for length in 0...300 {
            let digest = Keccak256.hash((0..<length).map { UInt8(truncatingIfNeeded: $0 * 7 + length) }).bytes
            #expect(Hex.encode(digest.prefix(4)) == expected.dropFirst(length * 8).prefix(8), "length \(length)")
            digests += digest
        }
        #expect(expected.count == 301 * 8)
        #expect(Keccak256.hash(digests).hex == KeccakVectors.digestOfDigests)
    }

    @Test("SIG-10: agrees with another implementation on a long chain")
    func chain() {
        var digest = Hash32.zero
        for index in 0..<2000 {
            digest = Keccak256.hash(digest.bytes + [UInt8](repeating: UInt8(index % 256), count: index % 500))
        }
        #expect(digest.hex == KeccakVectors.chain)
    }

    @Test("hashes a sequence without contiguous storage like an array")
    func lazySequence() {
        #expect(Keccak256.hash((0..<200).lazy.map { UInt8($0) }) == Keccak256.hash(Array(0..<200)))
    }
}
