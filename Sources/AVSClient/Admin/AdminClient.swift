public import AVSPrimitives
public import AVSProto
import AVSRPC
public import AVSTransport
import AVSWire
import Logging

/// Calls to the service `aggregator.Admin` of an aggregator on this machine.
///
///     let admin = try AdminClient(target: "127.0.0.1:2207", token: key)
///     let answer = try await admin.call(Wire.AdminMethods.listOperators, .with { $0.connectedOnly = true })
///     await admin.close()
///
/// Requests and answers are the messages of `proto/admin.proto`: administrators look at what is there, as it is. Calls
/// throw ``AggregatorError`` and nothing else, and are made once: after a lost answer nobody knows whether the change
/// was made, and looking tells.
public final class AdminClient: Sendable {
    /// For a call that asks for nothing else; the server's own limits are shorter.
    public static let timeout = Duration.seconds(30)

    private let channel: RPCChannel
    private let token: Sensitive<String>

    /// Opens nothing yet.
    ///
    /// - Parameters:
    ///   - target: `host:port`.
    ///   - token: an API key with the scope that the calls want.
    ///   - configuration: of the connection.
    ///   - time: the clock of timeouts.
    /// - Throws: ``AggregatorError`` for a target that names no address.
    public init(
        target: String, token: Sensitive<String>, configuration: RPCChannel.Configuration = RPCChannel.Configuration(),
        time: any TimeSource = SystemTime()
    ) throws {
        do {
            channel = try RPCChannel(
                target: target, configuration: configuration, time: time,
                logger: Logger(label: "avs.admin") { _ in SwiftLogNoOpLogHandler() })
        } catch {
            throw AggregatorError.invalid("target", RPCStatus(error).message)
        }
        self.token = token
    }

    /// A call with one answer.
    ///
    /// - Parameters:
    ///   - method: one of `Wire.AdminMethods`.
    ///   - request: its message.
    ///   - timeout: how long the answer is waited for; nil is without end, for backups.
    public func call<Input, Output>(
        _ method: ProtoMethod<Input, Output>, _ request: Input, timeout: Duration? = AdminClient.timeout
    ) async throws -> Output {
        do {
            return try await channel.unary(
                method.methodPath, request, request: ProtoCodec<Input>(), response: ProtoCodec<Output>(),
                options: try options(timeout: timeout))
        } catch {
            throw AggregatorError(error)
        }
    }

    private func options(timeout: Duration?) throws -> CallOptions {
        var options = CallOptions(timeout: timeout)
        do {
            try options.metadata.add("authkey", token.exposed)
        } catch {
            let message = "the token cannot be sent: only printable ASCII is allowed in it"
            throw AggregatorError.unauthenticated(.init(.unauthenticated, message))
        }
        return options
    }

    /// Ends calls in progress and closes the connection.
    public func close() async { await channel.close() }
}
