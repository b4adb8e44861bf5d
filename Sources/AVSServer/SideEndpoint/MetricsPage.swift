import AVSEngine
import AVSPrimitives
import AVSRPC
import AVSTransport

/// `/metrics`: what the transport and the engine have done and are doing (OB-1, aggregator-api 9.3).
///
/// Every label comes from a closed set: methods of the schema, status codes, reasons and frame kinds that the source
/// names (LOG-5). So the number of series has a bound, ``seriesLimit(methods:)``, whatever anybody sends. The names of
/// the calls' metrics are those that gRPC's own exporters use.
struct MetricsPage {
    /// What the engine is doing.
    struct Engine: Hashable {
        var waitingExecutions = 0
        var runningExecutions = 0
        var skippedTicks = 0
        var connectedOperators = 0
        /// Tasks that the service itself disabled.
        var tasksSwitchedOff = 0
        /// Messages to the outside; `nil` where nobody is told anything.
        var outbox: Outbox?

        struct Outbox: Hashable {
            var pending: Int
            var dead: Int
        }
    }

    var transport: TransportStatistics
    var engine = Engine()
    /// `nil` where nothing makes backups.
    var backups: BackupState?
    /// `nil` where no script is run.
    var scripts: ScriptMetrics?
    var now = Timestamp(seconds: 0)

    /// 64 µs to 67 s: 2^6 to 2^26 microseconds.
    private static let timeExponents = Array(stride(from: 6, through: 26, by: 2))
    /// 63 B to 16 MiB.
    private static let sizeExponents = Array(stride(from: 6, through: 24, by: 2))
    /// 1 to 255.
    private static let countExponents = Array(1...8)

    var text: String {
        var page = PrometheusText()
        writeCalls(to: &page)
        writeConnections(to: &page)
        writeTraffic(to: &page)
        writeEngine(to: &page)
        if let scripts { write(scripts, to: &page) }
        if let backups { write(backups, to: &page) }
        return page.text
    }

    /// Series on a page at most, for a server with so many methods.
    static func seriesLimit(methods: Int) -> Int {
        let perMethod = RPCCode.allCases.count + timeExponents.count + 3
        let reasons = 2 * TransportStatistics.reasons.count + TransportStatistics.handshakeFailures.count
        let histograms = timeExponents.count + sizeExponents.count + countExponents.count + 3 * 3
        let scripts = 5 + ScriptMetrics.reasonLimit
        return (methods + 1) * perMethod + reasons + TransportStatistics().framesByKind.count + histograms + scripts
            + 28
    }

    // MARK: Calls

    private func writeCalls(to page: inout PrometheusText) {
        page.family("grpc_server_handled_total", .counter, "Calls that ended, by method and status.")
        for method in transport.methods {
            for code in RPCCode.allCases where code == .ok || method.count(code) > 0 {
                let labels = Self.labels(of: method) + [("grpc_code", code.description)]
                page.sample("grpc_server_handled_total", labels, method.count(code))
            }
        }
        let name = "grpc_server_handling_seconds"
        page.family(name, .histogram, "From a call's headers to its end, by method.")
        for method in transport.methods where method.latencyMicroseconds.count > 0 {
            page.buckets(
                name, Self.labels(of: method), method.latencyMicroseconds, exponents: Self.timeExponents,
                scale: 1_000_000)
        }
        page.single(
            "avs_transport_foreign_answers_total", .counter, "Answers in HTTP to requests that were not gRPC.",
            transport.foreignAnswers)
        page.single(
            "avs_transport_running_handlers", .gauge, "Handlers that have not returned.", transport.runningHandlers)
        page.single(
            "avs_transport_waiting_calls", .gauge, "Calls that wait for a place among the running ones.",
            transport.waitingCalls)
    }

    private static func labels(of method: TransportStatistics.Method) -> [(name: String, value: String)] {
        [
            ("grpc_service", method.path.map { String($0.service) } ?? "unknown"),
            ("grpc_method", method.path.map { String($0.method) } ?? "unknown"),
        ]
    }

    // MARK: Connections

    private func writeConnections(to page: inout PrometheusText) {
        page.single("avs_transport_connections", .gauge, "Open connections.", transport.connectionsOpen)
        page.single(
            "avs_transport_connections_opened_total", .counter, "Connections that came as far as HTTP/2.",
            transport.connectionsOpened)
        page.single(
            "avs_transport_connections_turned_away_total", .counter,
            "Connections closed before they had a session, over a limit or in a drain.",
            transport.connectionsTurnedAway)
        page.single(
            "avs_transport_handshakes_resumed_total", .counter,
            "TLS handshakes that went on from an earlier connection's session.", transport.handshakesResumed)
        page.each(
            "avs_transport_handshakes_failed_total", "TLS handshakes that failed, by reason.", by: "reason",
            of: TransportStatistics.handshakeFailures, transport.handshakesFailed)
        page.each(
            "avs_transport_connections_refused_total", "Connections that ended for what the peer did, by reason.",
            by: "reason", of: TransportStatistics.reasons, transport.connectionsRefused)
        page.each(
            "avs_transport_goaways_sent_total", "GOAWAY frames with a reason of ours.", by: "reason",
            of: TransportStatistics.reasons, transport.goAwaysSent)
    }

    // MARK: Traffic

    private func writeTraffic(to page: inout PrometheusText) {
        let counters = [
            ("received_bytes", "Bytes out of sockets, without TLS.", transport.bytesReceived),
            ("sent_bytes", "Bytes into sockets, without TLS.", transport.bytesSent),
            ("received_messages", "Request messages.", transport.messagesReceived),
            ("sent_messages", "Response messages.", transport.messagesSent),
            ("window_growths", "How often windows were doubled.", transport.windowGrowths),
            ("inflated_bytes", "Bytes that decompressing has made.", transport.inflatedBytes),
        ]
        for (name, help, value) in counters { page.single("avs_transport_\(name)_total", .counter, help, value) }
        let frames = transport.framesByKind
        page.each(
            "avs_transport_frames_total", "Frames by what they cost.", by: "kind", of: Set(frames.keys), frames)
        page.single(
            "avs_transport_queued_bytes", .gauge, "Requests no handler has taken, and answers no peer has.",
            transport.queuedBytes)
        let histograms = [
            ("message_bytes", "Messages both ways, as they travel.", transport.messageBytes, Self.sizeExponents, 1),
            ("answers_per_write", "Answers in one write.", transport.answersPerWrite, Self.countExponents, 1),
            (
                "write_wait_seconds", "How long writers waited for a peer that did not read.",
                transport.writeWaitMicroseconds, Self.timeExponents, 1_000_000
            ),
        ]
        for (name, help, histogram, exponents, scale) in histograms {
            page.family("avs_transport_\(name)", .histogram, help)
            page.buckets("avs_transport_\(name)", [], histogram, exponents: exponents, scale: scale)
        }
    }

    // MARK: Engine

    private func writeEngine(to page: inout PrometheusText) {
        page.single("avs_executions_waiting", .gauge, "Executions in the queue.", engine.waitingExecutions)
        page.single("avs_executions_running", .gauge, "Executions in progress.", engine.runningExecutions)
        page.single(
            "avs_ticks_skipped_total", .counter, "Cron ticks reported during a run, while another one waited.",
            engine.skippedTicks)
        page.single(
            "avs_operators_connected", .gauge, "Operators that hold a stream of checks.", engine.connectedOperators)
        page.single(
            "avs_tasks_switched_off_total", .counter,
            "Tasks disabled by the service: their runs could not begin, or the process ended with them.",
            engine.tasksSwitchedOff)
        guard let outbox = engine.outbox else { return }
        page.single("avs_outbox_pending", .gauge, "Messages to the outside that nobody has taken yet.", outbox.pending)
        page.single("avs_outbox_dead", .gauge, "Messages to the outside that were given up.", outbox.dead)
    }


    // MARK: Scripts

    private func write(_ scripts: ScriptMetrics, to page: inout PrometheusText) {
        page.single("avs_scripts_waiting", .gauge, "Scripts that wait for a worker.", scripts.waiting)
        page.single("avs_scripts_running", .gauge, "Scripts that workers run.", scripts.running)
        page.single("avs_script_workers", .gauge, "Worker processes that are up, busy or not.", scripts.workers)
        page.single("avs_script_workers_started_total", .counter, "Worker processes started.", scripts.started)
        page.single(
            "avs_scripts_answered_total", .counter,
            "Requests that a worker answered, also with an error of the script.",
            scripts.answered)
        page.each(
            "avs_scripts_failed_total", "Requests without an answer, by reason.", by: "reason",
            of: Set(scripts.failures.keys), scripts.failures)
    }

    // MARK: Backups

    /// The age is what an alert looks at (BAK-4): it is absent until there is a proven one.
    private func write(_ backups: BackupState, to page: inout PrometheusText) {
        page.single(
            "avs_backup_running", .gauge, "Whether a backup is being made or verified.", backups.isRunning ? 1 : 0)
        page.single("avs_backups_proven_total", .counter, "Backups that were made and proven.", backups.provenCount)
        page.single("avs_backups_failed_total", .counter, "Backups that failed, or were no good.", backups.failedCount)
        guard let last = backups.lastProvenAt else { return }
        let age = max(0, now.duration(since: last).components.seconds)
        page.single("avs_backup_age_seconds", .gauge, "Since the newest proven backup was made.", Int(age))
    }
}
