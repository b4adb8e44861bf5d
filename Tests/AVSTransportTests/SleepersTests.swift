import AVSTesting
import Testing

@testable import AVSTransport

@Suite("Sleepers")
struct SleepersTests {
    private let start = ContinuousClock.now

    @Test("alarms come in the order of their times, and each once", arguments: 0..<50 as Range<UInt64>)
    func order(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var alarms = Alarms<UInt64>()
        var times: [UInt64: ContinuousClock.Instant] = [:]
        for id in 0..<200 as Range<UInt64> {
            let time = start + .seconds(Int64.random(in: 0..<50, using: &random))
            alarms.add(id, id, at: time)
            times[id] = time
            guard id % 3 == 0, let gone = times.keys.randomElement(using: &random) else { continue }
            #expect(alarms.remove(gone) == gone && alarms.remove(gone) == nil)
            times[gone] = nil
        }
        #expect(alarms.count == times.count)
        for second in stride(from: 0, through: 60, by: 7) {
            let now = start + .seconds(second)
            let due = times.filter { $0.value <= now }.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map(\.key)
            #expect(alarms.takeDue(at: now) == due)
            for id in due { times[id] = nil }
            #expect(alarms.nextTime() == times.values.min())
        }
        #expect(alarms.count == 0 && alarms.placeCount == 0)
    }

    @Test("what was removed does not stay: a hundred thousand deadlines that were not needed leave next to nothing")
    func removed() {
        var alarms = Alarms<UInt64>()
        alarms.add(0, 0, at: start)
        for id in 1...100_000 as ClosedRange<UInt64> {
            alarms.add(id, id, at: start + .seconds(600))
            _ = alarms.remove(id)
        }
        #expect(alarms.count == 1 && alarms.placeCount <= 2 + Alarms<UInt64>.emptyMin)
        #expect(alarms.nextTime() == start)
    }

    @Test(
        "TIM-1: nobody wakes before the deadline, and one who is due earlier does not wait for who came before",
        .timeLimit(.minutes(1)))
    func wakes() async throws {
        let time = SystemTime()
        await withTaskGroup(of: ContinuousClock.Instant.self) { group in
            for milliseconds in [3_600_000, 30, 20, 10, 0, -5] {
                group.addTask {
                    let deadline = time.monotonic + .milliseconds(milliseconds)
                    do { try await time.sleep(until: deadline) } catch { return deadline }
                    #expect(time.monotonic >= deadline)
                    return deadline
                }
            }
            var woken: [ContinuousClock.Instant] = []
            for await deadline in group {
                woken.append(deadline)
                if woken.count == 5 { group.cancelAll() }
            }
            #expect(woken.last == woken.max(), "the hour ended by being cancelled")
        }
    }

    @Test(
        "a sleep that is cancelled ends at once and leaves nothing, whether it had begun or not",
        .timeLimit(.minutes(1)))
    func cancelled() async throws {
        let sleepers = Sleepers { ContinuousClock.now }
        let deadline = start + .seconds(3_600)
        for _ in 0..<1_000 {
            let task = Task { try await sleepers.sleep(until: deadline) }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        #expect(sleepers.count == 0)
    }
}
