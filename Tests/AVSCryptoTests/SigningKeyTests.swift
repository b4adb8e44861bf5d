import AVSCrypto
import AVSPrimitives
import AVSTesting
import Foundation
import Testing

@Suite("A signing key")
struct SigningKeyTests {
    @Test("is a number from 1 to the order − 1 in 32 bytes")
    func range() throws {
        let order = SignatureTests.order
        for wrong in [
            "", "01", String(repeating: "0", count: 64), order, String(repeating: "f", count: 64), "00" + order,
        ] {
            #expect(throws: CryptoError.self, "\(wrong)") { try SigningKey(secret(wrong)) }
        }
        #expect(try SigningKey(secret(String(order.dropLast() + "0"))).address.isZero == false)
    }

    @Test("KMS-6 prints as <key> everywhere")
    func redacted() throws {
        let key = try SigningKey(bytes: [UInt8](repeating: 0x11, count: 32))
        var dumped = ""
        dump(key, to: &dumped)
        #expect("\(key)" == "<key>")
        #expect(String(reflecting: key).contains("11") == false)
        #expect(dumped.contains("11") == false)
        #expect("\(SharedSecret(try password("hunter2")))" == "<key>")
    }

    @Test("comes out of a generator, a new one each time")
    func generated() throws {
        var random = SecureRandom()
        #expect(try SigningKey.generate(using: &random).address != SigningKey.generate(using: &random).address)
        var seeded = SeededGenerator(seed: 1)
        var again = SeededGenerator(seed: 1)
        #expect(try SigningKey.generate(using: &seeded).address == SigningKey.generate(using: &again).address)
    }

    @Test("signs from many threads at once")
    func concurrent() async throws {
        let key = try SigningKey(bytes: [UInt8](repeating: 0x11, count: 32))
        await withTaskGroup(of: Bool.self) { group in
            for index in 0..<64 {
                group.addTask {
                    let text = Array("text \(index)".utf8)
                    let signature = try? key.signMessage(text)
                    return signature?.isValid(for: SignedMessage.digest(of: text), by: key.address) ?? false
                }
            }
            for await valid in group { #expect(valid) }
        }
    }
}

@Suite("Secret bytes")
struct SecretBytesTests {
    @Test("keep what they were given, in every way to make them")
    func contents() throws {
        #expect(try secret("00ff10").exposed == [0, 255, 16])
        #expect(try password("").exposed.isEmpty)
        #expect(try secret("00ff10").withSpan { $0.count == 3 && $0[1] == 0xff })
        let written = try SecretBytes(capacity: 8) { memory in
            memory.copyBytes(from: [1, 2, 3])
            return 3
        }
        #expect(written.exposed == [1, 2, 3])
        var generator = SeededGenerator(seed: 1)
        #expect(try SecretBytes(random: 5000, using: &generator).count == 5000)
    }

    @Test("read hexadecimal without leaving protected memory")
    func hexText() throws {
        #expect(try SecretBytes(hexText: password("0x00Ff10")).exposed == [0, 255, 16])
        #expect(try SecretBytes(hexText: password("00Ff10")).exposed == [0, 255, 16])
        #expect(try SecretBytes(hexText: password("0X")).exposed.isEmpty)
        for wrong in ["0", "0x0", "zz", "00 0", "0x0x00", "00\n"] {
            #expect(throws: CryptoError.self, "\(wrong)") { _ = try SecretBytes(hexText: password(wrong)) }
        }
    }

    @Test("have a bound, and an answer above the capacity is refused")
    func bounds() {
        #expect(throws: CryptoError.self) { _ = try SecretBytes(capacity: 1 << 20 + 1) { _ in 0 } }
        #expect(throws: CryptoError.self) { _ = try SecretBytes(capacity: -1) { _ in 0 } }
        #expect(throws: CryptoError.self) { _ = try SecretBytes(capacity: 4) { _ in 5 } }
        #expect(throws: CancellationError.self) { _ = try SecretBytes(capacity: 4) { _ in throw CancellationError() } }
    }
}

@Suite("Secret memory")
struct SecretMemoryTests {
    @Test("KMS-6 is kept out of core dumps and locked")
    func flags() throws {
        let flags = try password("hunter2").withUnsafeBytes { try kernelFlags(of: UInt(bitPattern: $0.baseAddress)) }
        #expect(flags.contains("dd"), "no MADV_DONTDUMP among \(flags)")
        // Locking is best effort, and the usual limit of 64 KiB or more has room for one page. Sanitizers turn mlock
        // into nothing.
        let isSanitized = dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil
        #expect(flags.contains("lo") || isSanitized, "no mlock among \(flags)")
    }

    /// What the kernel says of the mapping that holds `address`.
    private func kernelFlags(of address: UInt) throws -> [Substring] {
        // `String(contentsOfFile:)` stops after one page of a file whose size says 0.
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/smaps"))
        let maps = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
        var inside = false
        for line in maps.split(separator: "\n") {
            let range = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt($0, radix: 16) }
            if range.count == 2 { inside = range[0] <= address && address < range[1] }
            if inside, line.hasPrefix("VmFlags:") { return line.split(separator: " ") }
        }
        return []
    }
}
