import AVSModel
import AVSPrimitives
import AVSTesting
import Testing

@testable import AVSWatch

@Suite("Time triggers")
struct TimeWatchTests {
    /// No spread, so that instants can be named.
    private var watch: TimeWatch {
        var policy = TimeWatch.Policy()
        policy.spread = .zero
        return TimeWatch(policy: policy)
    }

    /// 17:46:40; the next minutes are 20 s and 80 s away.
    private let now = Sample.now
    private let tick = Sample.now + .seconds(20)

    private func instants(_ due: TimeWatch.Due) -> [Timestamp] { due.ticks.map(\.instant) }

    @Test("fire at the next tick, never at registration (API-10.8.3)") func firstFire() {
        var watch = watch
        watch.watch(Sample.cron("* * * * *"), at: now)
        #expect(watch.next == tick)
        #expect(watch.due(at: now) == .init())
        #expect(watch.due(at: tick + .milliseconds(-1)) == .init())
        #expect(instants(watch.due(at: tick)) == [tick])
        #expect(watch.due(at: tick) == .init())
        #expect(watch.next == tick + .seconds(60))
    }

    @Test("registered exactly at a tick wait for the next") func strictlyAfter() {
        var watch = watch
        watch.watch(Sample.cron("* * * * *"), at: tick)
        #expect(watch.next == tick + .seconds(60))
    }

    @Test("do not fire before the task's start (API-10.8.3)") func startAt() {
        var watch = watch
        watch.watch(Sample.cron("* * * * *", startAt: tick + .seconds(60)), at: now)
        #expect(watch.next == tick + .seconds(120))
        watch.watch(Sample.cron("* * * * *", number: 2, startAt: now + .seconds(-3_600)), at: now)
        #expect(watch.next == tick)
    }

    @Test("of several schedules fire once where they meet; unreadable ones are told and passed over") func several() {
        var watch = watch
        let problems = watch.watch(Sample.cron("* * * * *", "", "nonsense", "47 17 * * *"), at: now)
        #expect(problems.count == 1)
        #expect(instants(watch.due(at: tick)) == [tick])
        #expect(instants(watch.due(at: tick + .seconds(60))) == [tick + .seconds(60)])
    }

    @Test("of a re-registered task fire once") func replaced() {
        var watch = watch
        for _ in 0..<3 { watch.watch(Sample.cron("* * * * *"), at: now) }
        #expect(watch.count == 1)
        #expect(instants(watch.due(at: tick)) == [tick])
        watch.watch(Sample.cron("* * * * *"), at: tick)
        #expect(watch.due(at: tick) == .init())
    }

    @Test("stop") func stop() {
        var watch = watch
        watch.watch(Sample.cron("* * * * *"), at: now)
        watch.stop(Sample.id(1))
        watch.stop(Sample.id(2))
        #expect(watch.count == 0)
        #expect(watch.due(at: tick) == .init())
    }

    @Test("missed by more than a minute are skipped (TIM-12)") func skipped() {
        var watch = watch
        watch.watch(Sample.cron("* * * * *"), at: now)
        // Ten minutes later, 5 s after a tick: that one still fires, the nine before it do not.
        let late = tick + .seconds(605)
        let due = watch.due(at: late)
        #expect(instants(due) == [tick + .seconds(600)])
        #expect(due.missed == 1)
        #expect(watch.next == tick + .seconds(660))
    }

    @Test("missed within the tolerance fire late") func tolerated() {
        var watch = watch
        watch.watch(Sample.cron("47 17 * * *"), at: now)
        #expect(instants(watch.due(at: tick + .seconds(59))) == [tick])
    }

    @Test("never fire twice when the clock steps back (TIM-5)") func backward() {
        var watch = watch
        watch.watch(Sample.cron("* * * * *"), at: now)
        #expect(instants(watch.due(at: tick)) == [tick])
        #expect(watch.due(at: tick + .seconds(-3_600)) == .init())
        // Also not when the task is told again, or known from before a restart.
        watch.watch(Sample.cron("* * * * *"), at: tick + .seconds(-3_600))
        #expect(watch.next == tick + .seconds(60))
        var restarted = self.watch
        restarted.watch(Sample.cron("* * * * *"), last: tick, at: tick + .seconds(-3_600))
        #expect(restarted.next == tick + .seconds(60))
    }

    @Test("at fixed times fire once each; times before the task are nobody's business (API-10.8.2)") func fixed() {
        var watch = watch
        let before = now + .seconds(-120)  // the task is one minute old
        let times = [now + .seconds(600), now + .seconds(5), before, now + .seconds(5)]
        watch.watch(Sample.fixed(times), at: now)
        #expect(watch.due(at: now) == .init())
        #expect(instants(watch.due(at: now + .seconds(5))) == [now + .seconds(5)])
        #expect(watch.due(at: now + .seconds(6)) == .init())
        #expect(instants(watch.due(at: now + .seconds(600))) == [now + .seconds(600)])
        #expect(watch.next == nil)
    }

    @Test("at a fixed time keep their kind (6.8)") func kind() {
        var watch = watch
        watch.watch(Sample.fixed([now + .seconds(5)]), at: now)
        #expect(watch.due(at: now + .seconds(5)).ticks.map(\.kind) == [.fixedTime])
    }

    @Test("of missed fixed times fire the latest, once, within the hour (3.4)") func catchUp() {
        let times = [now + .seconds(60), now + .seconds(120), now + .seconds(180), now + .seconds(9_000)]
        var watch = watch
        watch.watch(Sample.fixed(times), at: now)
        let due = watch.due(at: now + .seconds(1_000))
        #expect(instants(due) == [now + .seconds(180)])
        #expect(due.missed == 2)
        #expect(watch.next == now + .seconds(9_000))
        // Too late for all of them.
        var late = self.watch
        late.watch(Sample.fixed(times), at: now)
        #expect(
            late.due(at: now + .seconds(8_000))
                == {
                    var due = TimeWatch.Due()
                    due.missed = 3
                    return due
                }())
        // Missed while we were not running: told after a restart.
        var restarted = self.watch
        restarted.watch(Sample.fixed(times), last: now + .seconds(60), at: now + .seconds(300))
        #expect(instants(restarted.due(at: now + .seconds(300))) == [now + .seconds(180)])
    }

    @Test("far ahead do not fire a year early (DEFECT-30)") func farAhead() {
        var watch = watch
        let ahead = now + .seconds(400 * 86_400)
        watch.watch(Sample.fixed([ahead]), at: now)
        #expect(watch.next == ahead)
    }

    @Test("of the end of time trap nothing", arguments: [Int64.min, -1, 0, .max]) func extremes(_ epoch: Int64) {
        var watch = TimeWatch()
        watch.watch(Sample.fixed([Timestamp(milliseconds: epoch)]), at: now)
        _ = watch.due(at: Timestamp(milliseconds: .max))
        watch.watch(Sample.cron("* * * * *", number: 2), at: Timestamp(milliseconds: epoch))
        _ = watch.next
    }

    @Test("are spread over a second after the tick, the same for every operator (TIM-14)", arguments: 1...20)
    func spread(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let number = random.next()
        var (one, another) = (TimeWatch(), TimeWatch())
        one.watch(Sample.cron("* * * * *", number: number), at: now)
        another.watch(Sample.cron("* * * * *", number: number), at: now + .seconds(3))
        #expect(one.next == another.next)
        #expect((one.next ?? now) >= tick)
        #expect((one.next ?? now) <= tick + .seconds(1))
        #expect(instants(one.due(at: tick + .seconds(1))) == [tick])
    }

    @Test("of many tasks that come and go keep the queue small") func bounded() {
        var watch = watch
        for round in 0..<1_000 {
            watch.watch(Sample.cron("* * * * *", number: UInt64(round)), at: now)
            watch.stop(Sample.id(UInt64(round)))
        }
        watch.watch(Sample.cron("* * * * *", number: 5_000), at: now)
        #expect(watch.due(at: tick).ticks.count == 1)
    }

    @Test("fire every tick exactly once, however time passes", arguments: 1...30) func property(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var watch = watch
        watch.watch(Sample.cron("*/2 * * * *"), at: now)
        var clock = now
        var fired: [Timestamp] = []
        for _ in 0..<500 {
            clock = clock + .milliseconds(Int.random(in: -20_000...50_000, using: &random))
            fired += instants(watch.due(at: clock))
        }
        #expect(Set(fired).count == fired.count)
        #expect(fired == fired.sorted())
        #expect(zip(fired, fired.dropFirst()).allSatisfy { $1.duration(since: $0) == .seconds(120) })
    }
}
