import AVSPrimitives
import Logging

/// A record → one line of bytes, its line feed included.
struct LineEncoder {
    var format: LogFormat
    var limits: LogLimits

    func line(_ record: LogRecord) -> [UInt8] {
        switch format {
        case .json: json(record)
        case .text: text(record)
        }
    }

    // MARK: JSON

    /// `{"time":…,"level":…,"logger":…,"message":…,"source":…,"error":…,"repeated":…,"fields":{…},"omitted":…}`: the
    /// first four always, the others where there is something to say.
    private func json(_ record: LogRecord) -> [UInt8] {
        var line = Array("{\"time\":".utf8) + quoted(record.time.iso8601)
        line += ",\"level\":".utf8 + quoted(record.level.rawValue)
        line += ",\"logger\":".utf8 + quoted(record.label)
        line += ",\"message\":".utf8 + quoted(record.message)
        if record.level.isWarning { line += ",\"source\":".utf8 + quoted(record.place) }
        if let error = record.error { line += ",\"error\":".utf8 + quoted(error) }
        if record.repetitions > 0 { line += ",\"repeated\":\(record.repetitions)".utf8 }
        appendFields(record.metadata, to: &line)
        return line + "}\n".utf8
    }

    /// In the order of their names, as many as fit the line.
    private func appendFields(_ metadata: Logger.Metadata, to line: inout [UInt8]) {
        guard !metadata.isEmpty else { return }
        let tail = "},\"omitted\":\(metadata.count)}\n".utf8.count
        var fields: [UInt8] = []
        var omitted = 0
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
            let separator = fields.isEmpty ? "" : ","
            let field = separator.utf8 + quoted(name) + ":".utf8 + self.value(value)
            if line.count + ",\"fields\":{".utf8.count + fields.count + field.count + tail <= limits.lineBytes {
                fields += field
            } else {
                omitted += 1
            }
        }
        line += ",\"fields\":{".utf8 + fields + "}".utf8
        if omitted > 0 { line += ",\"omitted\":\(omitted)".utf8 }
    }

    /// A value as JSON, or as a cut text of that JSON where it is too long.
    private func value(_ value: Logger.MetadataValue) -> [UInt8] {
        switch value {
        case .string(let text): return quoted(text)
        case .stringConvertible(let value): return quoted(value.description)
        case .dictionary, .array:
            let nested = nested(value, depth: 0)
            return nested.count <= limits.valueBytes ? nested : quoted(String(decoding: nested, as: UTF8.self))
        }
    }

    /// Four levels: our own code nests no deeper, and a bound costs nothing.
    private func nested(_ value: Logger.MetadataValue, depth: Int) -> [UInt8] {
        guard depth < 4 else { return quoted("…") }
        switch value {
        case .string, .stringConvertible: return self.value(value)
        case .array(let values):
            return "[".utf8 + joined(values.map { nested($0, depth: depth + 1) }) + "]".utf8
        case .dictionary(let values):
            let pairs = values.sorted { $0.key < $1.key }.map { name, value in
                quoted(name) + ":".utf8 + nested(value, depth: depth + 1)
            }
            return "{".utf8 + joined(pairs) + "}".utf8
        }
    }

    private func joined(_ parts: [[UInt8]]) -> [UInt8] { Array(parts.joined(separator: ",".utf8)) }

    private func quoted(_ text: String) -> [UInt8] {
        "\"".utf8 + LineEscaper.escaped(text, limit: limits.valueBytes - 2) + "\"".utf8
    }

    // MARK: Text

    /// `13:04:05.678 WARN  engine: message error="…" name=value (Module/File.swift:12, 3 times before)`, UTC.
    private func text(_ record: LogRecord) -> [UInt8] {
        let time = record.time.iso8601.dropFirst(11).dropLast()
        var line = Array("\(time) \(Self.name(record.level)) ".utf8)
        line += plain(record.label) + ": ".utf8 + plain(record.message)
        if let error = record.error { line += " error=".utf8 + shown(error) }
        var note: [String] = []
        if record.level.isWarning { note.append(record.place) }
        if record.repetitions > 0 { note.append("\(record.repetitions) times before") }
        let end = (note.isEmpty ? "" : " (\(note.joined(separator: ", ")))") + "\n"
        for (name, value) in record.metadata.sorted(by: { $0.key < $1.key }) {
            let field = " ".utf8 + plain(name) + "=".utf8 + shown("\(value)")
            if line.count + field.count + end.utf8.count + LineEscaper.ellipsis.count <= limits.lineBytes {
                line += field
            } else {
                line += LineEscaper.ellipsis
                break
            }
        }
        return line + end.utf8
    }

    private func plain(_ text: String) -> [UInt8] { LineEscaper.escaped(text, limit: limits.valueBytes) }

    /// In quotes where it would not be seen as one word.
    private func shown(_ text: String) -> [UInt8] {
        let isWord = !text.isEmpty && !text.utf8.contains { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "=") }
        return isWord ? plain(text) : quoted(text)
    }

    private static func name(_ level: Logger.Level) -> String {
        switch level {
        case .trace: "TRACE"
        case .debug: "DEBUG"
        case .info: "INFO "
        case .notice: "NOTE "
        case .warning: "WARN "
        case .error: "ERROR"
        case .critical: "CRIT "
        }
    }
}
