import AVSModel
import AVSPrimitives
import AVSWatch
import Testing

@Suite("Block triggers")
struct BlockWatchTests {
    @Test("of intervals 3 and 5 each fire at their own multiples (DEFECT-22)") func noStarvation() {
        var watch = BlockWatch()
        watch.watch(Sample.block(3, number: 1), head: 0)
        watch.watch(Sample.block(5, number: 2), head: 0)
        let fired = (1...15).map { watch.tasks(at: $0, now: Sample.now) }
        for (index, tasks) in fired.enumerated() {
            let number = index + 1
            #expect(tasks.contains(Sample.id(1)) == number.isMultiple(of: 3))
            #expect(tasks.contains(Sample.id(2)) == number.isMultiple(of: 5))
            #expect(watch.matches(UInt64(number)) == !tasks.isEmpty)
        }
    }

    @Test("with an interval below 1 are refused (API-10.8.1)", arguments: [Int64.min, -1, 0]) func refused(
        _ interval: Int64
    ) {
        var watch = BlockWatch()
        #expect(watch.watch(Sample.block(interval), head: 0) != nil)
        #expect(watch.isEmpty)
    }

    @Test("do not fire for blocks that were there before, also when told again") func since() {
        var watch = BlockWatch()
        watch.watch(Sample.block(1), head: 10)
        #expect(watch.tasks(at: 10, now: Sample.now).isEmpty)
        watch.watch(Sample.block(1), head: 20)
        #expect(watch.tasks(at: 11, now: Sample.now) == [Sample.id(1)])
    }

    @Test("wait for the task's start") func startAt() {
        var watch = BlockWatch()
        watch.watch(Sample.block(1, startAt: Sample.now + .seconds(1)), head: 0)
        #expect(watch.tasks(at: 1, now: Sample.now).isEmpty)
        #expect(watch.tasks(at: 1, now: Sample.now + .seconds(1)) == [Sample.id(1)])
    }

    @Test("are replaced and stopped") func replaced() {
        var watch = BlockWatch()
        watch.watch(Sample.block(2), head: 0)
        watch.watch(Sample.block(7), head: 0)
        #expect(!watch.matches(2))
        #expect(watch.matches(7))
        watch.stop(Sample.id(1))
        watch.stop(Sample.id(1))
        #expect(watch.isEmpty)
        #expect(!watch.matches(7))
    }
}
