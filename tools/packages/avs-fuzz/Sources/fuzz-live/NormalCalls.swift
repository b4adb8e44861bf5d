import AVSPrimitives
import AVSRPC
import AVSTransport
import FuzzInputs
import Logging

/// A client that behaves, while others do not: its calls must all be answered.
struct NormalCalls {
    private let channel: RPCChannel
    /// Far more than any of them takes on a busy machine under a sanitizer.
    private static let options: CallOptions = {
        var options = CallOptions(timeout: .seconds(60), waitForReady: true)
        options.requestEncoding = .gzip
        return options
    }()

    init(port: UInt16, security: ConnectionSecurity) throws {
        var configuration = RPCChannel.Configuration()
        configuration.security = security
        configuration.authority = FuzzCertificate.host
        // The server ends connections by age all the time; a call that falls into the end of one is made again.
        configuration.retryPolicy = RetryPolicy(
            maximumAttempts: 5, initialBackoff: .milliseconds(10), maximumBackoff: .seconds(1))
        channel = try RPCChannel(
            target: "127.0.0.1:\(port)", configuration: configuration, time: SystemTime(),
            logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() })
    }

    func close() async { await channel.close() }

    /// One call of each kind.
    func make(_ number: UInt64) async throws {
        let message = Array(repeating: UInt8(truncatingIfNeeded: number), count: Int(number % 5_000))
        try await expect("Echo") {
            let answer = try await channel.unary(
                path("Echo"), message, request: .bytes, response: .bytes, options: Self.options)
            return answer == message
        }
        try await expect("Split") {
            let request: [UInt8] = [1, 0, 255]
            return try await channel.serverStreaming(
                path("Split"), request, request: .bytes, response: .bytes, options: Self.options
            ) { answers in
                var sizes: [Int] = []
                for try await answer in answers { sizes.append(answer.count) }
                return sizes == [16, 0, 16 * 255]
            }
        }
        try await expect("Chat") {
            try await channel.bidirectional(path("Chat"), request: .bytes, response: .bytes, options: Self.options) {
                writer, answers in
                var iterator = answers.makeAsyncIterator()
                for _ in 0..<3 {
                    try await writer.write(message)
                    guard try await iterator.next() == message else { return false }
                }
                writer.finish()
                return try await iterator.next() == nil
            }
        }
    }

    private func path(_ method: String) -> MethodPath { MethodPath(service: Victim.service, method: method) }

    private func expect(_ name: String, _ call: () async throws -> Bool) async throws {
        do {
            guard try await call() else { throw Finding("a normal \(name) got a wrong answer") }
        } catch let status as RPCStatus {
            throw Finding("a normal \(name) ended with \(status)")
        }
    }
}
