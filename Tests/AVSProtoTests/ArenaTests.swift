import CProtobufC
import Foundation
import Testing

@testable import AVSProto

@Suite("The arena of a message")
struct ArenaTests {
    /// 300 texts, each an allocation of its own without an arena.
    private static let manyTexts = Kinds.Scalars.with { message in
        message.strings = (0..<300).map { "text number \($0)" }
    }

    @Test("SP-8: a message of hundreds of texts is unpacked in a few chunks, taken as they are needed")
    func chunks() {
        let bytes = Self.manyTexts.serialized()
        for (expecting, most) in [(4 * bytes.count, 2), (0, 6)] {
            Arena.lend(expecting: expecting) { arena in
                #expect(arena.chunkCount == 0)
                var allocator = unsafe arena.allocator
                let message = unsafe bytes.withUnsafeBufferPointer {
                    unsafe protobuf_c_message_unpack(Kinds.Scalars.descriptor, &allocator, $0.count, $0.baseAddress)
                }
                let isUnpacked = unsafe message != nil
                #expect(isUnpacked)
                #expect((1...most).contains(arena.chunkCount))
            }
        }
    }

    @Test("SP-8: what protobuf-c gives back stays until all of it goes")
    func freeDoesNothing() {
        Arena.lend(expecting: 0) { arena in
            let allocator = unsafe arena.allocator
            guard let first = unsafe allocator.alloc(allocator.allocator_data, 100) else {
                Issue.record("no memory")
                return
            }
            unsafe first.storeBytes(of: 0x0102_0304, as: UInt32.self)
            unsafe allocator.free(allocator.allocator_data, first)
            guard let second = unsafe allocator.alloc(allocator.allocator_data, 100) else {
                Issue.record("no memory")
                return
            }
            unsafe second.storeBytes(of: 0xffff_ffff, as: UInt32.self)
            let (isOther, isWhole) = unsafe (first != second, first.load(as: UInt32.self) == 0x0102_0304)
            #expect(isOther && isWhole)
            let address = UInt(bitPattern: second)
            #expect(address % 16 == 0)
        }
    }

    @Test("SP-8: what a call's message took is given back with the call", .enabled(if: residentBytes != nil))
    func givesBack() throws {
        let bytes = Kinds.Scalars.with { $0.someBytes = [UInt8](repeating: 1, count: 1 << 20) }.serialized()
        _ = try Kinds.Scalars(serialized: bytes)
        let before = try #require(Self.residentBytes)
        for _ in 0..<500 { _ = try Kinds.Scalars(serialized: bytes) }  // 2 GiB in all
        let after = try #require(Self.residentBytes)
        #expect(after - before < 500 << 20)
    }

    /// Of this process; nil where the system does not say.
    private static var residentBytes: Int? {
        do {
            let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
            return text.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 4_096 }
        } catch { return nil }
    }
}
