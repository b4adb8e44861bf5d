import AVSScript
import AVSServer
import Testing

@testable import avs_aggregator

@Suite("Metrics of scripts")
struct ScriptMetricsTests {
    @Test("are the pool's own figures, with every reason of its closed set (JS-9, LOG-5)")
    func figures() {
        var statistics = ScriptPoolStatistics()
        (statistics.waiting, statistics.running, statistics.processes) = (1, 2, 3)
        (statistics.started, statistics.answered, statistics.failures) = (4, 5, [ScriptFailure.timeout: 6])
        let metrics = ScriptMetrics(statistics)
        #expect(
            [metrics.waiting, metrics.running, metrics.workers, metrics.started, metrics.answered] == [1, 2, 3, 4, 5])
        #expect(
            metrics.failures.count == ScriptFailure.allCases.count
                && metrics.failures.count <= ScriptMetrics.reasonLimit)
        #expect(metrics.failures["timeout"] == 6 && metrics.failures["out of memory"] == 0)
    }
}
