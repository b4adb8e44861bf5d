import AVSEngine
import AVSModel
import AVSPrimitives
import AVSTransport
import Hummingbird
import Logging

/// The HTTP/1 endpoint for probes and people: whether the service is up, which operators there are, and the metrics.
///
/// - Source: aggregator-api 9.1, 9.3.
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
    /// What the gRPC listener has done so far.
    let statistics: @Sendable () async -> TransportStatistics
    var backups: (any BackupKeeping)?
    var scripts: (@Sendable () -> ScriptMetrics)?
    let time: any TimeSource
    let logger: Logger

    /// Serves until the service shuts down. A port that cannot be bound is logged and not fatal.
    ///
    /// - Parameter onListening: told the port, for who asked for any free one with 0.
    func run(onListening: @escaping @Sendable (Int?) -> Void = { _ in }) async throws {
        let application = Application(
            router: router, configuration: .init(address: .hostname(address.host, port: address.port)),
            onServerRunning: { onListening($0.localAddress?.port) }, logger: SideEndpointLog.logger(logger))
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
        router.get("metrics") { _, _ in
            let page = MetricsPage(
                transport: await statistics(), engine: await engineLoad(), backups: await backups?.state,
                scripts: scripts?(),
                now: time.now)
            return Response(
                status: .ok, headers: [.contentType: PrometheusText.contentType],
                body: .init(byteBuffer: .init(string: page.text)))
        }
        return router
    }

    private func engineLoad() async -> MetricsPage.Engine {
        let load = await engine.executions.load
        let outbox = await engine.outbox?.load
        return MetricsPage.Engine(
            waitingExecutions: load.waiting, runningExecutions: load.running,
            skippedTicks: await engine.executions.skippedTicks,
            connectedOperators: await engine.operators.connected.count,
            tasksSwitchedOff: await engine.executions.switchedOff,
            outbox: outbox.map { MetricsPage.Engine.Outbox(pending: $0.pending, dead: $0.dead) })
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
