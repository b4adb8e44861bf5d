import Logging

/// The log of the library behind the side endpoint: what it calls an error is at most a warning here.
///
/// It logs the end of its own shutdown, and each connection that a client drops, as errors. Nothing that happens to
/// probes and pages is an error of the service; what is one, that it does not serve at all, ``SideEndpoint`` says
/// itself.
struct SideEndpointLog: LogHandler {
    private var base: any LogHandler

    static func logger(_ base: Logger) -> Logger {
        var logger = base
        logger.handler = SideEndpointLog(base: base.handler)
        return logger
    }

    private init(base: any LogHandler) { self.base = base }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }

    var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue }
    }

    var logLevel: Logger.Level {
        get { base.logLevel }
        set { base.logLevel = newValue }
    }

    func log(event: LogEvent) {
        var event = event
        event.level = min(event.level, .warning)
        base.log(event: event)
    }
}
