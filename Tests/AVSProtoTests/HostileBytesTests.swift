import AVSPrimitives
import Testing

@testable import AVSProto

@Suite("Bytes from a peer")
struct HostileBytesTests {
    typealias Output = Wire.ManualTrigger.Output

    @Test("may nest 64 lists and no more (T16)")
    func valueDepth() throws {
        #expect(problem(Output.self, field(1, nestedLists(64))) == nil)
        #expect(problem(Output.self, field(1, nestedLists(65)))?.limit == .valueDepth)
        #expect(problem(Output.self, field(1, nestedLists(10_000)))?.limit == .valueDepth)
    }

    @Test("may nest 64 objects, which is 193 messages, with a number inside")
    func objectDepth() throws {
        var value: JSONValue = 1
        for _ in 0..<64 { value = ["k": value] }
        let message = Output.with { $0.data = value }
        #expect(try Output(serialized: message.serialized()) == message)
    }

    @Test("that we wrote never nest deeper than what we read: the rest becomes null")
    func encodedDepth() throws {
        var value: JSONValue = 1
        for _ in 0..<70 { value = [value] }
        let decoded = try Output(serialized: Output.with { $0.data = value }.serialized())
        var expected: JSONValue = .null
        for _ in 0..<64 { expected = [expected] }
        #expect(decoded.data == expected)
    }

    @Test("INP-1 of a map's keys that only their bytes tell apart leave the last one, under its own bytes")
    func canonicallyEqualKeys() throws {
        func entry(_ key: String, _ value: String) -> [UInt8] { field(2, field(1, key) + field(2, value)) }
        let keys = ["e\u{301}", "\u{e9}"]
        for (first, last) in [(keys[0], keys[1]), (keys[1], keys[0])] {
            let entries = entry("k", "1") + entry(first, "2") + entry(last, "3")
            let config = try Wire.ManualTrigger.Config(serialized: entries)
            #expect(config.headers.count == 2 && config.headers[first] == "3")
            #expect(config.headers.keys.map { Array($0.utf8) }.contains(Array(last.utf8)))
        }
        let repeated = try Wire.ManualTrigger.Config(serialized: entry("k", "1") + entry("k", "2"))
        #expect(repeated.headers == ["k": "2"])
    }

    @Test("may nest 256 messages and no more")
    func messageDepth() {
        func tree(_ depth: Int) -> [UInt8] { (1..<depth).reduce([]) { inner, _ in field(2, inner) } }
        #expect(problem(Kinds.Tree.self, tree(256)) == nil)
        #expect(problem(Kinds.Tree.self, tree(257))?.limit == .messageDepth)
        #expect(problem(Kinds.Tree.self, tree(10_000))?.limit == .messageDepth)
        // A field that occurs twice takes the way through a merge, which has the same bound.
        #expect(problem(Kinds.Tree.self, field(2, []) + tree(256)) == nil)
        #expect(problem(Kinds.Tree.self, field(2, []) + tree(10_000))?.limit == .messageDepth)
        #expect(problem(Kinds.Tree.self, field(2, []) + field(2, [0x0A, 9]))?.problem == .truncated)
    }

    @Test("may hold 1,024 unknown fields and no more")
    func unknownFields() throws {
        let one = varint(9_000, 1)
        let known = field(1, "id")
        let most = known + Array(repeatElement(one, count: 1_024).joined())
        #expect(try Wire.IdReq(serialized: most) == .with { $0.id = "id" })
        #expect(problem(Wire.IdReq.self, most + one)?.limit == .unknownFields)
    }

    @Test("with unknown fields at any depth decode as if those were not there", arguments: [1, 200, 20_000])
    func unknownInside(size: Int) throws {
        let junk = field(500, [UInt8](repeating: 0xFF, count: size)) + varint(501, 1) + [0xA5, 0x1F, 1, 2, 3, 4]
        let text = String(repeating: "x", count: size)
        let entry = field(1, "k") + junk + field(2, junk + field(3, text) + junk)
        let bytes = junk + field(12, field(1, "t") + junk + field(2, junk + field(1, junk))) + field(15, entry) + junk
        let expected = Wire.Task.with {
            $0.trigger = .with {
                $0.name = "t"
                $0.triggerType = .manual(.with { $0.config = .init() })
            }
            $0.inputVariables = ["k": .string(text)]
        }
        #expect(try Wire.Task(serialized: bytes) == expected)
    }

    @Test(
        "with a text that is not UTF-8 are refused, wherever the text is",
        arguments: [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x61, 0x80],
        ] as [[UInt8]])
    func invalidText(text: [UInt8]) throws {
        func refuses<M: ProtoMessage>(_ type: M.Type, _ bytes: [UInt8], _ number: UInt32) {
            #expect(problem(type, bytes)?.problem == .text(field: number), "\(M.fullName)")
        }
        refuses(Wire.IdReq.self, field(1, text), 1)
        refuses(Wire.ListTasksReq.self, field(1, "fine") + field(1, text), 1)
        refuses(Wire.TriggerTaskResp.self, field(7, text), 7)
        refuses(Wire.Task.self, field(15, field(1, text)), 1)
        refuses(Wire.ManualTrigger.Config.self, field(2, field(1, "k") + field(2, text)), 2)
        refuses(Output.self, field(1, field(3, text)), 3)
        refuses(Output.self, field(1, field(5, field(1, field(1, text)))), 1)
        refuses(ReflectionV1.ServerReflectionRequest.self, field(4, text), 4)
        #expect(try Wire.SyncMessagesReq(serialized: field(3, text)).signature == text)
    }

    @Test("with a NUL in a text, a key or a Value keep it")
    func embeddedZero() throws {
        let message = Wire.CreateTaskReq.with {
            $0.name = "a\u{0}b"
            $0.nodes = [.with { $0.taskType = .customCode(.with { $0.config = .with { $0.source = "\u{0}" } }) }]
            $0.inputVariables = ["k\u{0}": ["\u{0}x", ["\u{0}": "\u{0}\u{0}"]]]
        }
        let decoded = try Wire.CreateTaskReq(serialized: message.serialized())
        #expect(decoded == message)
        #expect(decoded.name.utf8.count == 3)
    }

    @Test(
        "that are no protobuf are refused with the reason and the place",
        arguments: [
            ([0x0A], .truncated, 1), ([0x0A, 5, 1], .truncated, 2), ([0x08], .truncated, 1),
            ([0x0D, 1, 2, 3], .truncated, 1),
            ([0x09, 1, 2, 3], .truncated, 1), ([0x00, 1], .fieldNumber, 1), ([0x80, 0x00], .fieldNumber, 2),
            ([0x0B], .wireType(3), 1), ([0x0C], .wireType(4), 1), ([0x0E], .wireType(6), 1), ([0x0F], .wireType(7), 1),
            ([0x88, 0x80, 0x80, 0x80, 0x80, 0x00, 1], .numberTooLong, 5),
            ([0x0A, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], .numberTooLong, 6),
            ([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], .truncated, 6),
            ([0x10] + [UInt8](repeating: 0xFF, count: 10), .numberTooLong, 11),
        ] as [([UInt8], ProtoError.Problem, Int)])
    func malformed(bytes: [UInt8], reason: ProtoError.Problem, offset: Int) {
        #expect(
            problem(Wire.IdReq.self, bytes)
                == .malformed(reason, message: "aggregator.IdReq", offset: offset))
    }

    @Test("whose packed numbers do not come out even are refused")
    func packedLength() {
        #expect(problem(Kinds.Scalars.self, field(49, [1, 2, 3]))?.problem == .packedLength(field: 49))
        #expect(problem(Kinds.Scalars.self, field(50, [1, 2, 3, 4]))?.problem == .packedLength(field: 50))
        #expect(problem(Kinds.Scalars.self, field(44, [0x80]))?.problem == .truncated)
    }

    @Test("may write numbers longer than need be")
    func paddedNumbers() throws {
        #expect(try Wire.IdReq(serialized: [0x8A, 0x80, 0x80, 0x80, 0x00, 0x81, 0x80, 0x00, 0x61]).id == "a")
        #expect(
            try Wire.PageInfo(serialized: [0x18, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00])
                .hasPreviousPage)
    }

    @Test("that stay small on the wire and grow in memory are refused")
    func amplification() {
        let step = field(8, [])  // two bytes here, hundreds in memory
        let steps = Array(repeatElement(step, count: 2_000_000).joined())
        #expect(problem(Wire.Execution.self, steps)?.limit == .memory)
    }

    @Test("that ask for many merges take time in proportion to their length")
    func merging() throws {
        let query = field(1, field(1, []))  // config { queries {} }, merged into the ones before
        let trigger = try Wire.EventTrigger(serialized: Array(repeatElement(query, count: 100_000).joined()))
        #expect(trigger.config?.queries.count == 100_000)
    }

    /// protobuf-c 1.4 reads the field table at index -1 when it merges two messages whose oneof is unset.
    @Test("with one message field twice, both without their oneof, do not reach protobuf-c's merge")
    func mergeOfUnsetOneofs() throws {
        #expect(try Wire.Task(serialized: field(12, []) + field(12, [])) == .with { $0.trigger = .init() })
        #expect(
            try Wire.RunNodeWithInputsReq(serialized: field(1, field(2, "a")) + field(1, field(3, "b")))
                == .with {
                    $0.node = .with {
                        $0.id = "a"
                        $0.name = "b"
                    }
                })
        let deep = field(15, field(2, varint(4, 1)) + field(1, "k") + field(2, []))  // a map entry with two values
        #expect(try Wire.Task(serialized: deep).inputVariables == ["k": true])
    }

    @Test("are merged at every depth, and unknown fields in them are skipped")
    func deepMerge() throws {
        let one = field(5, field(1, field(2, field(1, "a")) + varint(90, 1)))
        let two = field(5, field(1, field(2, field(5, field(1, field(1, "n")))) + field(1, "x")) + varint(91, 1))
        let tree = try Kinds.Tree(serialized: one + two).branch?.tree
        #expect(tree?.name == "x")
        #expect(tree?.child?.name == "a")
        #expect(tree?.child?.branch?.tree?.name == "n")
    }

    @Test("of 4 MiB that hold a plain JSON list are read")
    func largeDocument() throws {
        let list = JSONValue.array((0..<350_000).map { .number(Double($0)) })
        let bytes = Output.with { $0.data = list }.serialized()
        #expect(bytes.count > 3_800_000)
        #expect(try Output(serialized: bytes).data == list)
    }

    @Test("follow protobuf where fields occur again")
    func repeatedFields() throws {
        #expect(try Wire.IdReq(serialized: field(1, "a") + field(1, "b")).id == "b")
        let merged = try Wire.ListTasksResp(serialized: field(2, field(1, "s")) + field(2, field(2, "e")))
        #expect(
            merged.pageInfo
                == .with {
                    $0.startCursor = "s"
                    $0.endCursor = "e"
                })
        let entries =
            field(15, field(1, "k") + field(2, varint(4, 0))) + field(15, field(1, "k") + field(2, varint(4, 1)))
        #expect(try Wire.Task(serialized: entries).inputVariables == ["k": true])
        let both = field(4, field(1, field(1, "x"))) + field(5, field(1, varint(1, 7)))
        #expect(
            try Wire.TaskTrigger(serialized: both).triggerType
                == .block(.with { $0.config = .with { $0.interval = 7 } }))
        #expect(try Wire.Task(serialized: field(15, [])).inputVariables == ["": nil])
    }

    @Test("name the place in a sentence that a person can use")
    func descriptions() {
        #expect(
            problem(Wire.Task.self, field(12, [0x0A, 9]))?.description
                == "aggregator.TaskTrigger, byte 4: a field ends behind the end of its message")
        #expect(
            problem(Output.self, field(1, nestedLists(65)))?.description.contains("more than 64 objects and lists")
                == true)
    }
}

/// Requests of the first era under the numbers of the last (sections 1.6 and 1.8): decoded as if the clashing field
/// were absent, and still to be seen in the raw fields.
@Suite("A request of the seed era")
struct SeedEraTests {
    @Test("TaskTrigger.manual as a bool")
    func manual() throws {
        let bytes = field(1, "t") + varint(2, 1)
        #expect(try Wire.TaskTrigger(serialized: bytes) == .with { $0.name = "t" })
        var fields = WireFields(bytes)
        var found: [WireFields.Field] = []
        while let field = try fields.next() { found.append(field) }
        #expect(found == [.init(number: 1, value: .delimited(2..<3)), .init(number: 2, value: .varint(1))])
    }

    @Test("inside a task, where lengths around it change")
    func insideTask() throws {
        let bytes = field(1, field(1, "t") + varint(2, 1)) + field(6, "n")
        #expect(
            try Wire.CreateTaskReq(serialized: bytes)
                == .with {
                    $0.trigger = .with { $0.name = "t" }
                    $0.name = "n"
                })
    }

    @Test("TriggerTaskReq with a TriggerReason and is_blocking at 3")
    func triggerTask() throws {
        let bytes = field(1, "t") + field(2, varint(1, 100) + varint(5, 5)) + varint(3, 1)
        #expect(try Wire.TriggerTaskReq(serialized: bytes) == .with { $0.taskId = "t" })
    }

    @Test("NotifyTriggersReq with a TriggerReason")
    func notify() throws {
        let bytes = field(3, "t") + field(4, varint(1, 100))
        #expect(try Wire.NotifyTriggersReq(serialized: bytes) == .with { $0.taskId = "t" })
    }

    @Test("EventTrigger.Config with an expression")
    func expression() throws {
        #expect(try Wire.EventTrigger.Config(serialized: field(2, "a > b")) == .init())
    }

    @Test("a BoolValue client reads the structured answers")
    func boolAnswers() throws {
        let answer = Wire.CancelTaskResp.with {
            $0.success = true
            $0.status = "cancelled"
        }
        #expect(try WellKnown.BoolValue(serialized: answer.serialized()).value)
    }
}
