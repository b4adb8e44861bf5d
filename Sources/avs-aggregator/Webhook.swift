import AVSConfiguration
import AVSEngine
import AVSFetch
import AVSPrimitives
import AVSSchema

/// POSTs messages of the outbox as JSON to the administrator's address.
///
/// The event's id goes along as `Idempotency-Key`. A status from 200 to 299 says that the message was taken; redirects
/// are not followed.
struct Webhook: NotificationSink {
    /// Of one attempt; so long a stop of the service waits at most.
    private static let timeout = Duration.seconds(10)

    private let url: String
    private let token: String?
    private let fetcher: EndpointFetcher

    /// Nil where none is configured.
    init?(_ outbox: AggregatorConfiguration.Outbox, fetcher: EndpointFetcher) {
        guard let url = outbox.webhookURL else { return nil }
        self.url = url.text
        token = outbox.webhookToken?.exposed
        self.fetcher = fetcher
    }

    func deliver(_ message: OutboxMessage) async throws {
        var headers = [FetchHeader("Content-Type", "application/json"), FetchHeader("Idempotency-Key", message.eventID)]
        if let token { headers.append(FetchHeader("Authorization", "Bearer \(token)")) }
        var body = message.payload
        if message.merged > 0 { body["omittedBefore"] = .string("\(message.merged)") }
        let answer = try await fetcher.send(
            FetchRequest(
                method: "POST", url: url, headers: headers, body: JSONValue.object(body).serializedBytes,
                timeout: Self.timeout))
        guard (200..<300).contains(answer.status) else { throw Refused(status: answer.status) }
    }

    private struct Refused: Error, CustomStringConvertible {
        var status: Int
        var description: String { "answered with status \(status)" }
    }
}
