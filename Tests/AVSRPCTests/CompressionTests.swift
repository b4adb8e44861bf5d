import AVSTesting
import Testing

@testable import AVSRPC

@Suite("Message compression")
struct CompressionTests {
    private let compressor = MessageCompressor()

    @Test("CMP-1: round trip, contexts reused", arguments: [MessageEncoding.gzip, .deflate])
    func roundTrip(encoding: MessageEncoding) throws {
        for size in [1_024, 5_000, 300_000, 2_000] {
            let message = (0..<size).map { UInt8(truncatingIfNeeded: $0 / 7) }
            let compressed = try #require(compressor.compressIfWorthwhile(message, encoding))
            #expect(compressed.count < size)
            #expect(try compressor.decompress(compressed, encoding, limitBytes: size) == message)
        }
    }

    @Test("CMP-1: deflate is the zlib format, gzip is gzip")
    func formats() throws {
        // Python: zlib.compress(b"hello"), gzip.compress(b"hello", mtime=0)
        let zlib: [UInt8] = [0x78, 0x9c, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x06, 0x2c, 0x02, 0x15]
        let gzip: [UInt8] = [
            0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0x02, 0xff, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x86, 0xa6, 0x10,
            0x36, 0x05, 0, 0, 0,
        ]
        let hello = Array("hello".utf8)
        #expect(try compressor.decompress(zlib, .deflate, limitBytes: 5) == hello)
        #expect(try compressor.decompress(gzip, .gzip, limitBytes: 5) == hello)
        #expect(throws: MessageCompressor.Failure.self) { try compressor.decompress(zlib, .gzip, limitBytes: 5) }
    }

    @Test(
        "CMP-5: damage, an early end and bytes behind the end are corrupt", arguments: [MessageEncoding.gzip, .deflate])
    func corrupt(encoding: MessageEncoding) throws {
        let message = Array(repeating: UInt8(7), count: 5_000)
        let good = try #require(compressor.compressIfWorthwhile(message, encoding))
        for cut in 0..<good.count {
            #expect(throws: MessageCompressor.Failure.self, "cut at \(cut)") {
                try compressor.decompress(Array(good[..<cut]), encoding, limitBytes: 10_000)
            }
        }
        #expect(throws: MessageCompressor.Failure.self) {
            try compressor.decompress(good + [0], encoding, limitBytes: 10_000)
        }
        #expect(throws: MessageCompressor.Failure.self) {
            try compressor.decompress(good + good, encoding, limitBytes: 10_000)
        }
        for index in good.indices {  // some flips are harmless, none may trap or give a wrong size
            var bad = good
            bad[index] ^= 0x55
            do { #expect(try compressor.decompress(bad, encoding, limitBytes: 10_000).count == 5_000) } catch {}
        }
        #expect(try compressor.decompress(good, encoding, limitBytes: 10_000) == message)
    }

    @Test("CMP-6: inflating stops at the limit, and exactly the limit passes")
    func bomb() throws {
        let message = Array(repeating: UInt8(0), count: 4_194_304)
        let bomb = try #require(compressor.compressIfWorthwhile(message, .gzip))
        #expect(bomb.count < 5_000)
        #expect(throws: MessageCompressor.Failure.tooLarge(limitBytes: 4_194_303)) {
            try compressor.decompress(bomb, .gzip, limitBytes: 4_194_303)
        }
        #expect(try compressor.decompress(bomb, .gzip, limitBytes: 4_194_304).count == 4_194_304)
    }

    @Test("CMP-7: small messages and those that do not shrink stay as they are")
    func notWorthwhile() {
        #expect(compressor.compressIfWorthwhile(Array(repeating: 0, count: 1_023), .gzip) == nil)
        var random = SeededGenerator(seed: 1)
        let noise = (0..<5_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        #expect(compressor.compressIfWorthwhile(noise, .gzip) == nil)
        #expect(compressor.compressIfWorthwhile(noise, .identity) == nil)
    }
}
