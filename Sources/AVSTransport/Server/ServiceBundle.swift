import AVSPrimitives
import AVSRPC
import Logging
import Synchronization

/// What all connections of a server share.
final class ServiceBundle: Sendable {
    let configuration: RPCServer.Configuration
    let methods: MethodTable
    let interceptors: [any ServerInterceptor]
    let time: any TimeSource
    let logger: Logger
    /// Handlers that have not returned, over all connections, also those whose stream is gone (OV-2).
    let runningCalls = Atomic<Int>(0)

    init(
        configuration: RPCServer.Configuration, methods: [RPCMethod], interceptors: [any ServerInterceptor],
        time: any TimeSource, logger: Logger
    ) {
        self.configuration = configuration
        self.methods = MethodTable(methods)
        self.interceptors = interceptors
        self.time = time
        self.logger = logger
    }

    /// The status of what a handler or an interceptor threw. The cause of an unforeseen one goes to the log, here and
    /// nowhere else.
    func status(of error: any Error, in call: CallContext) -> RPCStatus {
        if let status = error as? RPCStatus { return status }
        let status = configuration.statusOfError(error)
        if status.code == .unknown || status.code == .internal {
            logger.error(
                "a call failed",
                metadata: ["method": "\(call.method)", "peer": "\(call.peer)", "error": "\(error)"])
        }
        return status
    }
}
