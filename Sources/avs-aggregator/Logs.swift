import AVSConfiguration
import AVSLogging
import AVSTransport
import Logging

/// The logs of the process: one sink that all loggers write to.
enum Logs {
    static func start(_ configuration: LogConfiguration, label: String) -> (logger: Logger, sink: LogSink) {
        let sink = LogSink(format: LogFormat(rawValue: configuration.format.rawValue) ?? .json, time: SystemTime())
        let level = Logger.Level(rawValue: configuration.level.rawValue) ?? .info
        LoggingSystem.bootstrap { StructuredLogHandler(label: $0, level: level, sink: sink) }
        return (Logger(label: label), sink)
    }
}
