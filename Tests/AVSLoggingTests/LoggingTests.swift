import AVSPrimitives
import AVSTesting
import Logging
import Synchronization
import Testing

@testable import AVSLogging

/// Keeps the lines; with a gate, holds the writer back until it is opened.
final class MemoryOutput: LogOutput {
    private let written = Mutex<[[UInt8]]>([])

    func write(_ line: [UInt8]) { written.withLock { $0.append(line) } }

    var lines: [String] { written.withLock { $0.map { String(decoding: $0, as: UTF8.self) } } }
}

private let start = Timestamp(iso8601: "2026-03-08T09:10:11.123Z") ?? Timestamp(milliseconds: 0)

private func record(
    _ message: String, level: Logger.Level = .info, metadata: Logger.Metadata = [:], error: String? = nil,
    repetitions: Int = 0
) -> LogRecord {
    LogRecord(
        time: start, level: level, label: "engine", message: message, error: error, metadata: metadata,
        place: "AVSEngine/File.swift:12", repetitions: repetitions)
}

private func json(_ record: LogRecord, _ limits: LogLimits = LogLimits()) -> String {
    String(decoding: LineEncoder(format: .json, limits: limits).line(record), as: UTF8.self)
}

private func text(_ record: LogRecord, _ limits: LogLimits = LogLimits()) -> String {
    String(decoding: LineEncoder(format: .text, limits: limits).line(record), as: UTF8.self)
}

@Suite("A log line")
struct LineTests {
    @Test("LOG-1: is one JSON object")
    func object() {
        #expect(
            json(record("task created", metadata: ["task": "01j", "chain": .stringConvertible(1)])) == """
                {"time":"2026-03-08T09:10:11.123Z","level":"info","logger":"engine","message":"task created",\
                "fields":{"chain":"1","task":"01j"}}

                """)
        #expect(
            json(record("lost", level: .error, error: "timeout", repetitions: 3)) == """
                {"time":"2026-03-08T09:10:11.123Z","level":"error","logger":"engine","message":"lost",\
                "source":"AVSEngine/File.swift:12","error":"timeout","repeated":3}

                """)
    }

    @Test("keeps nested values as JSON")
    func nested() {
        let metadata: Logger.Metadata = ["a": ["x", ["k": "v", "j": []]], "deep": [[[[["too deep"]]]]]]
        #expect(
            json(record("m", metadata: metadata)).contains(#""fields":{"a":["x",{"j":[],"k":"v"}],"deep":[[[["…"]]]]}"#)
        )
    }

    @Test("LOG-1: escapes everything that could break a line or a terminal", arguments: [LogFormat.json, .text])
    func escapes(format: LogFormat) throws {
        let dangerous =
            (0..<0x20).map { $0 } + Array(0x7f..<0xa0) + [0x61c, 0x200e, 0x200f] + Array(0x2028...0x202e)
            + Array(0x2066...0x2069) as [UInt32]
        for code in dangerous {
            let scalar = try #require(Unicode.Scalar(code))
            let attack = "a\(Character(scalar))b"
            let encoder = LineEncoder(format: format, limits: LogLimits())
            let line = String(
                decoding: encoder.line(record(attack, metadata: [attack: .string(attack)], error: attack)),
                as: UTF8.self)
            #expect(!line.dropLast().unicodeScalars.contains(scalar), "U+\(String(code, radix: 16))")
            if format == .json {
                let parsed = try JSONValue(parsing: line)
                #expect(parsed["message"]?.stringValue == attack)
                #expect(parsed["fields"]?[attack]?.stringValue == attack)
            }
        }
    }

    @Test("LOG-2: has bounded values, cut between characters", arguments: 0..<40 as Range<UInt64>)
    func caps(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let alphabet: [Character] = ["a", "\"", "\\", "\n", "\u{1}", "é", "€", "😀", "\u{202e}", " ", "="]
        let long = String(
            (0..<Int.random(in: 900..<3_000, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "a" }
        )
        var metadata: Logger.Metadata = ["list": .array(Array(repeating: .string(long), count: 3))]
        for index in 0..<Int.random(in: 0..<30, using: &random) { metadata["f\(index)"] = .string(long) }
        let crowded = record(long, level: .warning, metadata: metadata, error: long)
        let line = json(crowded)
        #expect(line.utf8.count <= 8_192)
        #expect(line.utf8.count(where: { $0 == UInt8(ascii: "\n") }) == 1 && line.hasSuffix("}\n"))
        let parsed = try JSONValue(parsing: line)
        let fields = try #require(parsed["fields"]?.objectValue)
        #expect(fields.count + Int(parsed["omitted"]?.doubleValue ?? 0) == metadata.count)
        #expect(
            parsed["message"]?.stringValue.map { long.hasPrefix($0.dropLast()) && $0.hasSuffix("…") } ?? false
                || parsed["message"]?.stringValue == long)

        let shown = text(crowded)
        #expect(shown.utf8.count <= 8_192 + 1_024)
        #expect(shown.utf8.count(where: { $0 == UInt8(ascii: "\n") }) == 1)
    }

    @Test("cuts a value at every length without breaking a character")
    func cutEverywhere() {
        let text = "a\"é€😀\u{1}z"
        for limit in 0..<40 {
            let cut = LineEscaper.escaped(text, limit: limit)
            #expect(cut.count <= limit)
            #expect(String(validating: cut, as: UTF8.self) != nil)
        }
        #expect(LineEscaper.escaped("abcdef", limit: 6) == Array("abcdef".utf8))
        #expect(LineEscaper.escaped("abcdefg", limit: 6) == Array("abc…".utf8))
    }

    @Test("reads well in development")
    func readable() {
        let line = record(
            "lost it", level: .warning, metadata: ["b": "two words", "a": "1", "e": ""], error: "gone", repetitions: 2)
        #expect(
            text(line)
                == "09:10:11.123 WARN  engine: lost it error=gone a=1 b=\"two words\" e=\"\" "
                + "(AVSEngine/File.swift:12, 2 times before)\n")
        #expect(text(record("fine")) == "09:10:11.123 INFO  engine: fine\n")
    }

    @Test("LOG-3: shows a sensitive value as a mark")
    func sensitive() {
        let secret = Sensitive("hunter2")
        let line = json(record("key \(secret)", metadata: ["key": "\(secret)", "other": .stringConvertible(secret)]))
        #expect(!line.contains("hunter2") && line.contains(#""other":"•••""#))
    }
}

@Suite("A queue of log lines")
struct LogQueueTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test("keeps the order")
    func order() {
        var queue = LogQueue(limit: 10)
        queue.append(bytes("1"), level: .error)
        queue.append(bytes("2"), level: .debug)
        queue.append(bytes("3"), level: .error)
        #expect(
            (0..<4).map { _ in queue.popFirst().map { String(decoding: $0, as: UTF8.self) } } == ["1", "2", "3", nil])
    }

    @Test("4.3: full, drops the lowest level first and counts")
    func full() {
        var queue = LogQueue(limit: 3)
        queue.append(bytes("d1"), level: .debug)
        queue.append(bytes("i1"), level: .info)
        queue.append(bytes("e1"), level: .error)
        queue.append(bytes("t1"), level: .trace)
        #expect(queue.count == 3 && queue.takeDroppedCount() == 1)
        queue.append(bytes("e2"), level: .error)
        queue.append(bytes("e3"), level: .error)
        queue.append(bytes("e4"), level: .error)
        #expect(queue.takeDroppedCount() == 3 && queue.takeDroppedCount() == 0)
        #expect(
            (0..<4).map { _ in queue.popFirst().map { String(decoding: $0, as: UTF8.self) } } == [
                "e2", "e3", "e4", nil,
            ])
    }

    @Test("loses nothing but what it counts, whatever comes", arguments: 0..<50 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let limit = Int.random(in: 1...200, using: &random)
        var queue = LogQueue(limit: limit)
        var (appended, popped, dropped) = (0, 0, 0)
        for _ in 0..<2_000 {
            if Int.random(in: 0..<3, using: &random) > 0 {
                queue.append([1], level: Logger.Level.allCases.randomElement(using: &random) ?? .info)
                appended += 1
            } else if queue.popFirst() != nil {
                popped += 1
            }
            dropped += queue.takeDroppedCount()
            #expect(queue.count <= limit)
            #expect(appended == popped + dropped + queue.count)
        }
    }
}

@Suite("Repeated warnings")
struct RepeatFilterTests {
    private let now = ContinuousClock().now

    @Test("LOG-2: identical ones are written once a second, with a count")
    func once() {
        var filter = RepeatFilter(interval: .seconds(1), limit: 10)
        let warning = record("slow", level: .warning)
        #expect(filter.admit(warning, at: now).map(\.repetitions) == [0])
        for step in 1...5 { #expect(filter.admit(warning, at: now + .milliseconds(100 * step)).isEmpty) }
        #expect(filter.admit(warning, at: now + .seconds(1)).map(\.repetitions) == [5])
        #expect(filter.admit(warning, at: now + .milliseconds(1_500)).isEmpty)
        #expect(filter.drain().map(\.repetitions) == [2])
        #expect(filter.drain().isEmpty)
    }

    @Test("others come through: another place, another text, a lower level")
    func others() {
        var filter = RepeatFilter(interval: .seconds(1), limit: 10)
        var elsewhere = record("slow", level: .warning)
        elsewhere.place = "B.swift:1"
        for other in [
            record("slow", level: .warning), record("slower", level: .warning), elsewhere, record("slow"),
            record("slow"),
        ] {
            #expect(filter.admit(other, at: now).count == 1)
        }
    }

    @Test("the count comes with the next line of any kind")
    func countComesLater() {
        var filter = RepeatFilter(interval: .seconds(1), limit: 10)
        _ = filter.admit(record("slow", level: .error), at: now)
        _ = filter.admit(record("slow", level: .error), at: now)
        let written = filter.admit(record("fine"), at: now + .seconds(2))
        #expect(written.map(\.message) == ["slow", "fine"] && written.map(\.repetitions) == [1, 0])
    }

    @Test("more places than are watched are all written")
    func manyPlaces() {
        var filter = RepeatFilter(interval: .seconds(1), limit: 2)
        for index in 0..<5 {
            for _ in 0..<2 {
                let count = filter.admit(record("slow \(index)", level: .warning), at: now).count
                if index >= 2 { #expect(count == 1) }
            }
        }
    }
}

@Suite("A logger")
struct LoggerTests {
    private let output = MemoryOutput()
    private let time = ManualTime(now: start)

    private func logger(_ sink: LogSink, level: Logger.Level = .info) -> Logger {
        Logger(label: "engine") { StructuredLogHandler(label: $0, level: level, sink: sink) }
    }

    @Test("writes what it is told, and nothing below its level")
    func writes() throws {
        let sink = LogSink(format: .json, time: time, output: output)
        var log = logger(sink)
        log[metadataKey: "node"] = "a"
        log[metadataKey: "task"] = "none"
        log.debug("not this")
        log.info("this", metadata: ["task": "01j"])
        sink.flush()
        let parsed = try output.lines.map { try JSONValue(parsing: $0) }
        #expect(parsed.count == 1)
        #expect(parsed.first?["fields"] == ["node": "a", "task": "01j"])
        #expect(parsed.first?["time"]?.stringValue == start.iso8601)
    }

    @Test("is a value: another one's level and metadata are its own")
    func valueSemantics() {
        let sink = LogSink(format: .text, time: time, output: output)
        let first = logger(sink)
        var second = first
        second.logLevel = .error
        second[metadataKey: "only"] = "second"
        first.info("one")
        second.info("two")
        second.error("three")
        sink.flush()
        #expect(output.lines.count == 2)
        #expect(output.lines.first == "09:10:11.123 INFO  engine: one\n")
        #expect(output.lines.last?.contains("three only=second (AVSLoggingTests/LoggingTests.swift:") == true)
    }

    @Test("takes metadata of the context and errors")
    func context() {
        let sink = LogSink(format: .text, time: time, output: output)
        let provider = Logger.MetadataProvider { ["request": "r1", "task": "context"] }
        let log = Logger(label: "engine") {
            StructuredLogHandler(label: $0, level: .info, sink: sink, metadataProvider: provider)
        }
        log.info("m", metadata: ["task": "own"])
        sink.flush()
        #expect(output.lines == ["09:10:11.123 INFO  engine: m request=r1 task=own\n"])
    }

    @Test("LOG-2: a storm of one warning is two lines")
    func storm() {
        let sink = LogSink(format: .text, time: time, output: output)
        let log = logger(sink)
        for _ in 0..<10_000 { log.warning("chain is slow") }
        sink.flush()
        #expect(output.lines.count == 2)
        #expect(output.lines.last?.contains("9999 times before") == true)
    }

    @Test("OVL-1: a blocked output loses low levels first, and says how many")
    func blockedOutput() {
        final class Gate: LogOutput {
            let output = MemoryOutput()
            let gate = Mutex<Void>(())
            func write(_ line: [UInt8]) { gate.withLock { _ in output.write(line) } }
        }
        let gate = Gate()
        var limits = LogLimits()
        limits.queuedLines = 100
        let sink = LogSink(format: .text, time: time, output: gate, limits: limits)
        let log = logger(sink)
        gate.gate.withLock { _ in
            for index in 0..<1_000 { log.info("line \(index)") }
            log.error("important")
        }
        sink.flush()
        let lines = gate.output.lines
        #expect(lines.contains { $0.contains("important") })
        let dropped = lines.filter { $0.contains("log lines were dropped") }
            .compactMap { $0.split(separator: "count=").last?.prefix { $0.isNumber } }.compactMap { Int($0) }.reduce(
                0, +)
        let written = lines.count { $0.contains(": line ") }
        #expect(dropped + written == 1_000 && written <= 102)
    }

    @Test("survives many threads")
    func threads() async {
        let sink = LogSink(format: .json, time: time, output: output)
        let log = logger(sink)
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<8 { group.addTask { for index in 0..<200 { log.info("\(worker) \(index)") } } }
        }
        sink.flush()
        #expect(output.lines.count == 1_600)
        #expect(Set(output.lines).count == 1_600)
    }
}
