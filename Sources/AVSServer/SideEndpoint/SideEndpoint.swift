import AVSEngine
import AVSModel
import AVSPrimitives
import Hummingbird
import Logging

/// The HTTP/1 endpoint for probes and people: whether the service is up, and which operators there are.
///
/// - Source: aggregator-api 9.1.
public struct SideEndpoint: Sendable {
    /// Where it listens.
    public struct Address: Hashable, Sendable {
        public var host: String
        public var port: Int

        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    let address: Address
    let engine: TaskEngine
    let time: any TimeSource
    let logger: Logger

    /// Serves until the service shuts down. A port that cannot be bound is logged and not fatal.
    func run() async throws {
        let application = Application(
            router: router, configuration: .init(address: .hostname(address.host, port: address.port)),
            logger: SideEndpointLog.logger(logger))
        do {
            try await application.run()
        } catch let error where !(error is CancellationError) {
            logger.error("the side endpoint does not serve", metadata: ["error": "\(error)"])
        }
    }

    var router: Router<BasicRequestContext> {
        let router = Router()
        router.get("up") { _, _ in "up" }
        router.get("operator") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/json"],
                body: .init(byteBuffer: .init(string: try await operators().serialized)))
        }
        router.get("telemetry") { _, _ in
            let page = TelemetryPage(operators: try await engine.knownOperators(), now: time.now)
            return Response(
                status: .ok, headers: [.contentType: "text/html; charset=utf-8"],
                body: .init(byteBuffer: .init(string: page.html)))
        }
        return router
    }

    private func operators() async throws -> JSONValue {
        let rows = try await engine.knownOperators().map { node -> JSONValue in
            [
                "address": .string(node.address.checksummed), "name": .string(node.name),
                "remote_ip": .string(node.remoteIP), "last_ping": .number(Double(node.lastPing.seconds)),
                "version": .string(node.version), "metrics_port": .number(Double(node.metricsPort)),
                "block_number": .number(Double(node.blockNumber)), "event_count": .number(Double(node.eventCount)),
            ]
        }
        return ["data": .array(rows)]
    }
}
