import AVSRPC
import AVSTransport
import Synchronization

/// An interceptor of either side that writes down what it sees, marks requests, and refuses the method `No`.
final class LogLinesOfCalls: ServerInterceptor, ClientInterceptor {
    private let state = Mutex<[String]>([])
    var lines: [String] { state.withLock { $0 } }

    func prepare(_ method: MethodPath, _ options: inout CallOptions) async throws {
        state.withLock { $0.append("prepare \(method.method)") }
        if method.method == "No" { throw RPCStatus(.permissionDenied, "no") }
        try options.metadata.add("mark", "marked")
    }

    func admit(_ call: inout CallContext) async throws {
        let line = "admit \(call.method.method) \(call.metadata["mark"] ?? "")"
        state.withLock { $0.append(line) }
    }

    func ended(_ method: MethodPath, with status: RPCStatus) {
        state.withLock { $0.append("client ended \(status)") }
    }

    func ended(_ call: CallContext, with status: RPCStatus) { state.withLock { $0.append("ended \(status)") } }
}
