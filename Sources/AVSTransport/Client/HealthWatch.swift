import AVSPrimitives
import AVSRPC
import Logging

/// Asks a server, over one connection and for as long as that lasts, whether it serves (HL-5, gRFC A17).
///
/// A server that knows no health service counts as well, for good. When the call fails for another reason the server
/// does not count as well, and is asked again after a pause that grows; an answer makes the next pause short again.
final class HealthWatch: Sendable {
    enum Health: Hashable, Sendable {
        case serving
        /// With the reason, for the calls that fail.
        case notServing(String)
    }

    private let task: Task<Void, Never>

    /// - Parameters:
    ///   - makeCall: opens a call of `Watch` on the connection.
    ///   - report: called on any thread, at each change and maybe in between.
    init(
        backoff: Backoff, time: any TimeSource, logger: Logger, makeCall: @escaping @Sendable () -> ClientStream,
        report: @escaping @Sendable (Health) -> Void
    ) {
        task = Task {  // ended by `end`, with the connection
            var (pauses, random) = (backoff, SystemRandomNumberGenerator())
            while !Task.isCancelled {
                let (status, hasAnswered) = await Self.watch(makeCall(), report)
                if Task.isCancelled { return }
                if status.code == .unimplemented {
                    logger.warning("the server knows no health service; it counts as serving")
                    return report(.serving)
                }
                report(.notServing("its health cannot be watched: \(status)"))
                if hasAnswered { pauses.reset() }
                do { try await time.sleep(until: time.monotonic + pauses.next(using: &random)) } catch { return }
            }
        }
    }

    func end() { task.cancel() }

    /// One call from its beginning to its end.
    private static func watch(
        _ call: ClientStream, _ report: @Sendable (Health) -> Void
    ) async -> (status: RPCStatus, hasAnswered: Bool) {
        var hasAnswered = false
        return await withTaskCancellationHandler {
            do {
                while let answer = try await call.nextMessage() {
                    hasAnswered = true
                    report(health(in: answer))
                }
                return (RPCStatus(.unavailable, "the server has ended the call"), hasAnswered)
            } catch {
                return (RPCStatus(error), hasAnswered)
            }
        } onCancel: {
            call.cancel()
        }
    }

    private static func health(in answer: [UInt8]) -> Health {
        switch HealthBoard.serving(in: answer) {
        case .serving: .serving
        case .notServing: .notServing("it says that it is not serving")
        case .serviceUnknown: .notServing("it does not know the service whose health is asked for")
        case .unknown, nil: .notServing("it does not say whether it is serving")
        }
    }
}
