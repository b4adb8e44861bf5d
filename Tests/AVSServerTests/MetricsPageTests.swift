import AVSPrimitives
import AVSRPC
import Foundation
import Logging
import Testing

@testable import AVSServer
@testable import AVSTransport

@Suite("The metrics page")
struct MetricsPageTests {
    @Test(
        "OB-1 LOG-5: shows what was scraped over a socket after calls, in labels of the schema", .timeLimit(.minutes(1))
    )
    func scrape() async throws {
        let harness = try ServerHarness()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let server = RPCServer(
            configuration: .init(), methods: harness.services.methods, time: SystemTime(), logger: logger,
            threadCount: 2)
        let port = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
        let endpoint = SideEndpoint(
            address: .init(host: "127.0.0.1", port: 0), engine: harness.engine,
            statistics: { await server.statistics }, scripts: { Self.someScripts }, time: harness.time, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            group.addTask { try await endpoint.run { port.continuation.yield($0 ?? 0) } }
            let target = "127.0.0.1:\(try await server.boundPort)"
            let channel = try RPCChannel(target: target, time: SystemTime(), logger: logger)
            for path in ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Check", "/0xabc.Owner/Secret"] {
                let method = try #require(MethodPath(path))
                do { _ = try await channel.unary(method, [], request: .bytes, response: .bytes) } catch is RPCStatus {}
            }
            var ports = port.stream.makeAsyncIterator()
            let sidePort = try #require(await ports.next())
            let page = try await onThread { try Scrape(of: "/metrics", port: sidePort) }
            await channel.close()
            #expect(page.head.hasPrefix("HTTP/1.1 200"))
            #expect(page.head.contains("text/plain; version=0.0.4"))
            let check = "grpc_service=\"grpc.health.v1.Health\",grpc_method=\"Check\""
            #expect(page.samples["grpc_server_handled_total{\(check),grpc_code=\"OK\"}"] == 2)
            #expect(page.samples["grpc_server_handling_seconds_count{\(check)}"] == 2)
            #expect(page.samples["grpc_server_handling_seconds_bucket{\(check),le=\"+Inf\"}"] == 2)
            // What a caller asked for is no label.
            #expect(!page.body.contains("0xabc"))
            let unknown = "grpc_service=\"unknown\",grpc_method=\"unknown\",grpc_code=\"UNIMPLEMENTED\""
            #expect(page.samples["grpc_server_handled_total{\(unknown)}"] == 1)
            #expect(page.samples["avs_transport_connections_opened_total"] == 1)
            #expect((page.samples["avs_transport_received_bytes_total"] ?? 0) > 0)
            #expect(page.samples["avs_executions_running"] == 0)
            let scripts: [(String, Double)] = [
                ("avs_scripts_waiting", 1), ("avs_scripts_running", 2), ("avs_script_workers", 3),
                ("avs_script_workers_started_total", 4), ("avs_scripts_answered_total", 5),
                ("avs_scripts_failed_total{reason=\"timeout\"}", 6),
                ("avs_scripts_failed_total{reason=\"overloaded\"}", 0),
            ]
            for (name, value) in scripts { #expect(page.samples[name] == value, "\(name)") }
            #expect(page.samples.count <= MetricsPage.seriesLimit(methods: harness.services.methods.count))
            group.cancelAll()
        }
    }

    private static var someScripts: ScriptMetrics {
        var scripts = ScriptMetrics()
        (scripts.waiting, scripts.running, scripts.workers, scripts.started, scripts.answered) = (1, 2, 3, 4, 5)
        scripts.failures = ["timeout": 6, "overloaded": 0]
        return scripts
    }

    /// As many as there may be.
    private static let scriptFailures = Dictionary(
        uniqueKeysWithValues: (0..<ScriptMetrics.reasonLimit).map { ("why \($0)", $0) })

    /// Everything that can be on a page, at once.
    private func fullPage(methods: Int) -> String {
        var all = TransportStatistics()
        let paths = [nil] + (0..<methods).map { MethodPath(service: "s.S", method: "M\($0)") }
        all.methods = paths.map { .init(path: $0, ended: RPCCode.allCases.map { _ in 1 }) }
        for reason in TransportStatistics.reasons { all.connectionsRefused[reason] = 3 }
        for index in all.methods.indices { all.methods[index].latencyMicroseconds.record(1_000) }
        var scripts = ScriptMetrics()
        scripts.failures = Self.scriptFailures
        return MetricsPage(transport: all, scripts: scripts).text
    }

    @Test("LOG-5 T54: has a bound on its series, and labels from closed sets only", arguments: [1, 67])
    func labels(methods: Int) throws {
        let samples = Samples(fullPage(methods: methods))
        #expect(samples.values.count <= MetricsPage.seriesLimit(methods: methods))
        let closed: [String: Set<String>] = [
            "reason": TransportStatistics.reasons.union(TransportStatistics.handshakeFailures)
                .union(Self.scriptFailures.keys),
            "grpc_code": Set(RPCCode.allCases.map(\.description)),
            "grpc_service": ["s.S", "unknown"],
            "grpc_method": Set((0..<methods).map { "M\($0)" } + ["unknown"]),
            "kind": Set(TransportStatistics().framesByKind.keys),
        ]
        for (name, value) in samples.labels where name != "le" {
            #expect(closed[name]?.contains(value) == true, "\(name)=\(value)")
        }
    }

    @Test("OB-1: each family says what it is once, before its samples; no series comes twice")
    func format() {
        var types: [String: String] = [:]
        var seen: Set<Substring> = []
        for line in fullPage(methods: 3).split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.hasPrefix("# TYPE") {
                #expect(types.updateValue(String(words[3]), forKey: String(words[2])) == nil)
            } else if !line.hasPrefix("#") {
                let series = line[..<(line.lastIndex(of: " ") ?? line.endIndex)]
                #expect(seen.insert(series).inserted, "\(series)")
                var name = String(series.prefix { $0 != "{" })
                for suffix in ["_bucket", "_sum", "_count"] where types[name] == nil && name.hasSuffix(suffix) {
                    name.removeLast(suffix.count)
                }
                #expect(types[name] != nil, "\(name)")
                #expect((types[name] == "counter") == name.hasSuffix("_total"), "\(name)")
                #expect(Double(words.last ?? "") != nil)
            }
        }
    }
}

/// The samples of a page.
private struct Samples {
    var values: [String: Double] = [:]
    var labels: [(String, String)] = []

    init(_ text: some StringProtocol) {
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            guard let space = line.lastIndex(of: " ") else { continue }
            values[String(line[..<space])] = Double(line[line.index(after: space)...])
            guard let open = line.firstIndex(of: "{"), let close = line.lastIndex(of: "}") else { continue }
            for pair in line[line.index(after: open)..<close].split(separator: ",") {
                let parts = pair.split(separator: "=", maxSplits: 1)
                labels.append((String(parts[0]), String(parts[1].dropFirst().dropLast())))
            }
        }
    }
}

/// Runs what blocks on a thread of its own.
private func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Result { try body() }) }.start()
    }
}

/// One GET over a socket of its own, read to its end.
private struct Scrape: Sendable {
    var head = ""
    var body = ""
    var samples: [String: Double] = [:]

    init(of path: String, port: Int) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
        let request = Array("GET \(path) HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".utf8)
        try #require(send(descriptor, request, request.count, 0) == request.count)
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1_024)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { break }
            answer += chunk.prefix(count)
        }
        let text = String(decoding: answer, as: UTF8.self)
        let end = try #require(text.firstRange(of: "\r\n\r\n"))
        head = String(text[..<end.lowerBound])
        body = String(text[end.upperBound...])
        samples = Samples(body).values
    }
}
