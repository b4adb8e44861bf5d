import AVSModel
import AVSPrimitives
import AVSWatch
import Testing

@Suite("Block triggers")
struct BlockWatchTests {
    @Test("of intervals 3 and 5 each fire at their own multiples (DEFECT-22)") func noStarvation() {
        var watch = BlockWatch()
        watch.watch(Sample.block(3, number: 1), since: 0)
        watch.watch(Sample.block(5, number: 2), since: 0)
        let fired = (1...15).map { watch.tasks(at: $0, now: Sample.now) }
        for (index, tasks) in fired.enumerated() {
            let number = index + 1
            #expect(tasks.contains(Sample.id(1)) == number.isMultiple(of: 3))
            #expect(tasks.contains(Sample.id(2)) == number.isMultiple(of: 5))
        }
    }

    @Test("with an interval below 1 are refused (API-10.8.1)", arguments: [Int64.min, -1, 0]) func refused(
        _ interval: Int64
    ) {
        var watch = BlockWatch()
        #expect(watch.watch(Sample.block(interval), since: 0) != nil)
        #expect(watch.isEmpty)
    }

    @Test("do not fire for blocks that were there before, also when told again") func since() {
        var watch = BlockWatch()
        watch.watch(Sample.block(1), since: 10)
        #expect(watch.tasks(at: 10, now: Sample.now).isEmpty)
        watch.watch(Sample.block(1), since: 20)
        #expect(watch.tasks(at: 11, now: Sample.now) == [Sample.id(1)])
    }

    @Test("that were told before the newest block is known wait for it") func settled() {
        var watch = BlockWatch()
        watch.watch(Sample.block(1, number: 1), since: nil)
        watch.watch(Sample.block(1, number: 2), since: 0)  // restored
        #expect(watch.tasks(at: 9, now: Sample.now) == [Sample.id(2)])
        watch.settle(since: 10)
        #expect(watch.tasks(at: 10, now: Sample.now) == [Sample.id(2)])
        watch.settle(since: 20)
        #expect(watch.tasks(at: 11, now: Sample.now) == [Sample.id(1), Sample.id(2)])
    }

    @Test("wait for the task's start") func startAt() {
        var watch = BlockWatch()
        watch.watch(Sample.block(1, startAt: Sample.now + .seconds(1)), since: 0)
        #expect(watch.tasks(at: 1, now: Sample.now).isEmpty)
        #expect(watch.tasks(at: 1, now: Sample.now + .seconds(1)) == [Sample.id(1)])
    }

    @Test("are replaced and stopped") func replaced() {
        var watch = BlockWatch()
        watch.watch(Sample.block(2), since: 0)
        watch.watch(Sample.block(7), since: 0)
        #expect(watch.tasks(at: 2, now: Sample.now).isEmpty)
        #expect(watch.tasks(at: 7, now: Sample.now) == [Sample.id(1)])
        watch.stop(Sample.id(1))
        watch.stop(Sample.id(1))
        #expect(watch.isEmpty)
        #expect(watch.tasks(at: 7, now: Sample.now).isEmpty)
    }
}
