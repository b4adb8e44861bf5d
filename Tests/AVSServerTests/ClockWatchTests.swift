import AVSPrimitives
import AVSTesting
import Logging
import Synchronization
import Testing

@testable import AVSServer

@Suite("The watch over the wall clock")
struct ClockWatchTests {
    private static let second = Duration.seconds(1)

    @Test(
        "TIM-5: tells a step beyond the tolerance, either way, and nothing of what passes",
        arguments: [(0, nil), (1_000, nil), (-1_000, nil), (1_001, 1_001), (-1_001, -1_001), (86_400_000, 86_400_000)]
            as [(Int, Int?)])
    func jump(step: Int, told: Int?) {
        let time = ManualTime()
        let before = ClockWatch.Reading(time)
        time.advance(by: .seconds(1))
        time.jump(by: .milliseconds(step))
        let jump = ClockWatch.Reading(time).jump(since: before, tolerance: Self.second)
        #expect(jump?.by == told.map { .milliseconds($0) })
    }

    @Test("TIM-5: looks once a second")
    func run() async {
        let (time, log) = (ManualTime(), Lines())
        let watch = ClockWatch(tolerance: Self.second, time: time, logger: Logger(label: "test") { _ in log.handler })
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await watch.run() }
            for step in [0, 5_000, 0, -7_000] {
                await time.waitForSleepers(1)
                time.jump(by: .milliseconds(step))
                time.advance(by: .seconds(1))
            }
            await time.waitForSleepers(1)
            group.cancelAll()
        }
        #expect(log.all.map { $0.prefix(10) } == ["clock_jump", "clock_jump"])
        #expect(log.all[0].contains("5.0 seconds") && log.all[1].contains("-7.0 seconds"), "\(log.all)")
    }
}

/// Keeps what is logged.
final class Lines: Sendable {
    private let lines = Mutex<[(level: Logger.Level, text: String)]>([])

    var all: [String] { lines.withLock { $0.map(\.text) } }
    var levels: [Logger.Level] { lines.withLock { $0.map(\.level) } }
    var handler: any LogHandler { Handler(lines: self) }

    private func add(_ level: Logger.Level, _ text: String) { lines.withLock { $0.append((level, text)) } }

    private struct Handler: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.add(event.level, "\(event.message) \(event.metadata ?? [:])") }
    }
}

@Suite("The log of the side endpoint")
struct SideEndpointLogTests {
    @Test("has no errors, because nothing that happens to a probe is one of the service")
    func levels() {
        let log = Lines()
        let logger = SideEndpointLog.logger(Logger(label: "test") { _ in log.handler })
        logger.error("Server shutdown error: x")
        logger.info("running")
        #expect(log.levels == [.warning, .info])
    }
}
