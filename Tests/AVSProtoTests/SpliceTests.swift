import AVSPrimitives
import Testing

@testable import AVSProto

@Suite("A stored message")
struct SpliceTests {
    let task = Wire.Task.with {
        $0.id = "t"
        $0.inputVariables = ["a": ["b": 1]]
    }

    @Test("goes into an answer as bytes")
    func append() throws {
        var answer = Wire.ListTasksResp.with { $0.pageInfo = .with { $0.hasNextPage = true } }.serialized()
        WireSplice.append(field: 1, task.serialized(), to: &answer)
        WireSplice.append(field: 1, Wire.Task().serialized(), to: &answer)
        let decoded = try Wire.ListTasksResp(serialized: answer)
        #expect(
            decoded
                == .with {
                    $0.items = [task, .init()]
                    $0.pageInfo = .with { $0.hasNextPage = true }
                })
    }

    @Test("comes out of its record as bytes")
    func submessage() throws {
        let record = field(1, task.serialized()) + varint(2, 7)
        #expect(try WireSplice.submessage(field: 1, of: record) == task.serialized())
        #expect(try WireSplice.submessage(field: 3, of: record) == nil)
        #expect(try WireSplice.submessage(field: 1, of: []) == nil)
    }

    @Test("that was written in parts comes out merged")
    func parts() throws {
        let record = field(1, field(1, "t")) + varint(7, 1) + field(1, field(6, "name"))
        let merged = try WireSplice.submessage(field: 1, of: record) ?? []
        #expect(
            try Wire.Task(serialized: merged)
                == .with {
                    $0.id = "t"
                    $0.name = "name"
                })
    }

    @Test("gives its repeated parts one by one")
    func elements() throws {
        let page = Wire.ListTasksResp.with { $0.items = [task, .with { $0.id = "u" }] }.serialized()
        let parts = try WireSplice.elements(field: 1, of: page)
        #expect(try parts.map { try Wire.Task(serialized: $0).id } == ["t", "u"])
    }

    @Test("is copied field by field, each whole, by where the fields begin")
    func positions() throws {
        let bytes = task.serialized() + varint(7, 300)
        var fields = WireFields(bytes)
        var copied: [UInt8] = []
        var start = fields.position
        while try fields.next() != nil {
            copied += bytes[start..<fields.position]
            start = fields.position
        }
        #expect(copied == bytes && start == bytes.count)
    }

    @Test("takes a number as proto3 writes it: 0 is not written")
    func number() throws {
        var bytes = field(1, "t")
        WireSplice.append(field: 11, varint: 0, to: &bytes)
        #expect(bytes == field(1, "t"))
        WireSplice.append(field: 11, varint: 5, to: &bytes)
        WireSplice.append(field: 8, varint: .max, to: &bytes)
        let expected = Wire.Task.with {
            $0.id = "t"
            $0.status = .disabled
            $0.maxExecution = -1
        }
        #expect(try Wire.Task(serialized: bytes) == expected)
    }

    @Test("is checked without being decoded, with the same verdict")
    func checked() throws {
        let whole = task.serialized()
        try Wire.Task.check(serialized: whole)
        try Wire.Task.check(serialized: whole + [0xa0, 0x38, 1])  // field 900, which nobody knows
        try Wire.Task.check(serialized: field(12, field(1, "a")) + field(12, field(7, "b")))  // a message in parts
        for bytes in (0..<whole.count).map({ Array(whole.prefix($0)) }) + [field(1, "\u{1}") + [10, 1, 0xff]] {
            var (decodes, passes) = (true, true)
            do { _ = try Wire.Task(serialized: bytes) } catch { decodes = false }
            do { try Wire.Task.check(serialized: bytes) } catch { passes = false }
            #expect(decodes == passes, "\(bytes)")
        }
    }

    @Test("with broken bytes is refused, not guessed at")
    func broken() {
        #expect(throws: ProtoError.malformed(.truncated, message: "message", offset: 2)) {
            try WireSplice.submessage(field: 1, of: [10, 9])
        }
        for bytes: [UInt8] in [[0], [11], [8], [13, 1], [9, 1]] {
            #expect(throws: ProtoError.self) { try WireSplice.elements(field: 1, of: bytes) }
        }
    }

    @Test("shows every kind of field")
    func kinds() throws {
        var fields = WireFields(
            varint(1, 300) + [0x15, 1, 2, 3, 4] + [0x19, 1, 0, 0, 0, 0, 0, 0, 0x80] + field(4, "x"))
        #expect(try fields.next()?.value == .varint(300))
        #expect(try fields.next()?.value == .fixed32(0x0403_0201))
        #expect(try fields.next()?.value == .fixed64(0x8000_0000_0000_0001))
        #expect(try fields.next()?.value == .delimited(19..<20))
        #expect(try fields.next() == nil)
        #expect(try fields.next() == nil)
    }
}
