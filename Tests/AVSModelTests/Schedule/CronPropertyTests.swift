import AVSPrimitives
import AVSTesting
import Testing

@testable import AVSModel

/// The obvious evaluation: step through the minutes one by one, with a calendar that only knows how to add a day.
private struct MinuteWalk {
    var year = 2024
    var month = 1
    var day = 1
    var hour = 0
    var minute = 0
    /// 2024-01-01 was a Monday.
    var dayOfWeek = 1
    /// Minutes since the epoch of 2024-01-01T00:00Z.
    var utcMinute: Int64 = 1_704_067_200 / 60

    private var daysInMonth: Int {
        let isLeap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    mutating func advance() {
        utcMinute += 1
        minute += 1
        guard minute == 60 else { return }
        (minute, hour) = (0, hour + 1)
        guard hour == 24 else { return }
        (hour, day, dayOfWeek) = (0, day + 1, (dayOfWeek + 1) % 7)
        guard day > daysInMonth else { return }
        (day, month) = (1, month + 1)
        guard month == 13 else { return }
        (month, year) = (1, year + 1)
    }
}

private struct RandomSchedule {
    var minutes: Set<Int>?
    var hours: Set<Int>?
    var days: Set<Int>?
    var months: Set<Int>?
    var weekdays: Set<Int>?

    init(using random: inout SeededGenerator) {
        func some(_ bounds: ClosedRange<Int>, _ count: Int) -> Set<Int>? {
            Bool.random(using: &random)
                ? nil
                : Set((0..<Int.random(in: 1...count, using: &random)).map { _ in .random(in: bounds, using: &random) })
        }
        minutes = some(0...59, 6)
        hours = some(0...23, 6)
        days = some(1...31, 4)
        months = some(1...12, 6)
        weekdays = some(0...6, 3)
    }

    var text: String {
        [minutes, hours, days, months, weekdays]
            .map { $0.map { $0.map(String.init).joined(separator: ",") } ?? "*" }.joined(separator: " ")
    }

    func matches(_ walk: MinuteWalk) -> Bool {
        func open(_ set: Set<Int>?, _ number: Int) -> Bool { set?.contains(number) ?? true }
        let day = days.map { $0.contains(walk.day) }
        let weekday = weekdays.map { $0.contains(walk.dayOfWeek) }
        let dayMatches =
            switch (day, weekday) {
            case (let day?, let weekday?): day || weekday
            case (let only?, nil), (nil, let only?): only
            case (nil, nil): true
            }
        return open(minutes, walk.minute) && open(hours, walk.hour) && open(months, walk.month) && dayMatches
    }
}

@Suite("Cron ticks against a walk through the minutes")
struct CronPropertyTests {
    @Test("are the minutes that match, none more and none less", arguments: 1...12 as ClosedRange<UInt64>)
    func walk(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let drawn = RandomSchedule(using: &random)
        let schedule = try CronSchedule(drawn.text)
        var walk = MinuteWalk()
        for _ in 0..<Int.random(in: 0..<200_000, using: &random) { walk.advance() }
        var next = schedule.next(after: Timestamp(milliseconds: (walk.utcMinute - 1) * 60_000))
        for _ in 0..<60_000 {
            let minute = Timestamp(milliseconds: walk.utcMinute * 60_000)
            if drawn.matches(walk) {
                try #require(next == minute, "\(drawn.text) at \(minute)")
                next = schedule.next(after: minute)
            } else {
                try #require(next != minute, "\(drawn.text) at \(minute)")
            }
            walk.advance()
        }
    }

    @Test("fall on civil days that convert there and back")
    func civilDays() {
        for day in Int64(-200_000)...200_000 where day % 7 == 0 {
            let (month, dayOfMonth) = CivilMonth.containing(day: day)
            #expect(month.firstDay + Int64(dayOfMonth) - 1 == day)
            #expect((1...month.dayCount).contains(dayOfMonth))
        }
    }
}
