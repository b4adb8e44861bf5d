public import Logging

/// swift-log's side: one per logger, a value, all writing to one ``LogSink``.
///
/// ```swift
/// let sink = LogSink(format: .json, time: time)
/// LoggingSystem.bootstrap { StructuredLogHandler(label: $0, level: .info, sink: sink) }
/// ```
public struct StructuredLogHandler: LogHandler {
    public let label: String
    public var logLevel: Logger.Level
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    private let sink: LogSink

    public init(
        label: String, level: Logger.Level, sink: LogSink, metadataProvider: Logger.MetadataProvider? = nil
    ) {
        self.label = label
        logLevel = level
        self.sink = sink
        self.metadataProvider = metadataProvider
    }

    public subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// What the statement says beats what the logger knows, which beats what the context provides.
    public func log(event: LogEvent) {
        var all = metadataProvider?.get() ?? [:]
        all.merge(metadata) { $1 }
        if let own = event.metadata { all.merge(own) { $1 } }
        sink.submit(
            level: event.level, label: label, message: event.message.description,
            error: event.error.map { String(describing: $0) }, metadata: all, place: "\(event.file):\(event.line)")
    }
}
