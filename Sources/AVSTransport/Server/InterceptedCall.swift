import AVSRPC
import Synchronization

/// A call on its way through the interceptors that stand around its handler (CH-8). Exists only where there are some.
struct InterceptedCall: Sendable {
    private let call: any ServerCallChannel
    private let method: RPCMethod
    private let service: ServiceBundle

    init(_ call: any ServerCallChannel, _ method: RPCMethod, _ service: ServiceBundle) {
        (self.call, self.method, self.service) = (call, method, service)
    }

    /// - Returns: the response of a method that has one. The outermost interceptor may still throw when it is written,
    ///   so it is held back until then.
    func answer(_ context: CallContext) async throws -> [UInt8]? {
        if method.kind.streamsResponses {
            try await run(service.callInterceptors[...], call, context)
            return nil
        }
        let held = HeldAnswer(call)
        try await run(service.callInterceptors[...], held, context)
        guard let answer = held.answer else {
            throw RPCStatus(.internal, "an interceptor left the call without an answer")
        }
        return answer
    }

    private func run(
        _ interceptors: ArraySlice<any ServerCallInterceptor>, _ call: any ServerCallChannel, _ context: CallContext
    ) async throws {
        guard let next = interceptors.first else { return try await handle(call, context) }
        try await next.intercept(call, context) { call, context in
            try await run(interceptors.dropFirst(), call, context)
        }
    }

    private func handle(_ call: any ServerCallChannel, _ context: CallContext) async throws {
        do {
            switch method.handler {
            case .unary(let respond):
                guard let request = try await call.nextMessage() else {
                    throw RPCStatus(.unimplemented, "the call carried no request")
                }
                try await call.write(respond(request, context), compress: true)
            case .streaming(let respond):
                try await respond(call, context)
            }
        } catch {
            throw service.status(of: error, in: context)
        }
    }
}

/// Keeps the one response of a call until its end.
private final class HeldAnswer: ServerCallChannel {
    private let call: any ServerCallChannel
    private let held = Mutex<[UInt8]?>(nil)

    init(_ call: any ServerCallChannel) { self.call = call }

    var answer: [UInt8]? { held.withLock { $0 } }

    func nextMessage() async throws -> [UInt8]? { try await call.nextMessage() }

    func write(_ message: [UInt8], compress: Bool) async throws {
        try held.withLock { held in
            guard held == nil else { throw RPCStatus(.internal, "a second answer to a call that has one") }
            held = message
        }
    }

    func sendHeaders() async throws { try await call.sendHeaders() }
}
