public import AVSPrimitives
import Dispatch
import Logging
import Synchronization

/// Takes the records of all loggers of a process and writes them as lines, on a thread of its own.
///
/// Whoever logs never waits for the output: a full queue gives up lines of the lowest level and says how many.
public final class LogSink: Sendable {
    private struct State {
        var queue: LogQueue
        var filter: RepeatFilter
        var isDraining = false
    }

    private let encoder: LineEncoder
    private let time: any TimeSource
    private let output: any LogOutput
    private let state: Mutex<State>
    /// Serial: one line after the other. A dispatch queue of its own may block without holding up anybody else's.
    private let writer = DispatchQueue(label: "AVSLogging.LogSink")

    public init(
        format: LogFormat, time: any TimeSource, output: any LogOutput = DescriptorLogOutput.standardError,
        limits: LogLimits = LogLimits()
    ) {
        encoder = LineEncoder(format: format, limits: limits)
        self.time = time
        self.output = output
        let filter = RepeatFilter(interval: limits.repeatInterval, limit: limits.watchedPlaces)
        state = Mutex(State(queue: LogQueue(limit: limits.queuedLines), filter: filter))
    }

    /// Writes what waits, and returns when it is written. At the end of a program, also of one that ends in trouble.
    public func flush() {
        let held = state.withLock { $0.filter.drain() }
        for record in held { enqueue([record]) }
        writer.sync { drain() }
    }

    func submit(
        level: Logger.Level, label: String, message: String, error: String?, metadata: Logger.Metadata, place: String
    ) {
        let record = LogRecord(
            time: time.now, level: level, label: label, message: message, error: error, metadata: metadata, place: place
        )
        let instant = time.monotonic
        enqueue(state.withLock { $0.filter.admit(record, at: instant) })
    }

    private func enqueue(_ records: [LogRecord]) {
        guard !records.isEmpty else { return }
        let lines = records.map { (encoder.line($0), $0.level) }
        let mustStart = state.withLock { state in
            for (line, level) in lines { state.queue.append(line, level: level) }
            defer { state.isDraining = true }
            return !state.isDraining
        }
        if mustStart { writer.async { self.drain() } }
    }

    /// Until nothing waits.
    private func drain() {
        while true {
            let (line, dropped) = state.withLock { state in
                let dropped = state.queue.takeDroppedCount()
                let line = state.queue.popFirst()
                if line == nil { state.isDraining = false }
                return (line, dropped)
            }
            if dropped > 0 { output.write(encoder.line(note(ofDropped: dropped))) }
            guard let line else { return }
            output.write(line)
        }
    }

    private func note(ofDropped count: Int) -> LogRecord {
        LogRecord(
            time: time.now, level: .warning, label: "log", message: "log lines were dropped",
            metadata: ["count": "\(count)"], place: #fileID)
    }
}
