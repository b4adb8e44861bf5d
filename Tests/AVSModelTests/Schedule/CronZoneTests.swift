import AVSPrimitives
import AVSTesting
import Foundation
import Testing

@testable import AVSModel

@Suite("A cron schedule in a zone")
struct CronZoneTests {
    /// Both hemispheres, none and half an hour of daylight saving, gaps at midnight, rules that ended or changed, and a
    /// day that was left out.
    private static let zones = [
        "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Asia/Tokyo", "Asia/Kathmandu",
        "Africa/Casablanca", "Europe/Istanbul", "America/Sao_Paulo", "Pacific/Apia", "Asia/Pyongyang", "Europe/Moscow",
    ]
    /// Past years, in which nobody changes a rule any more: the two databases may be of different age.
    private static let (firstYear, years) = (2011, 10)

    private static let schedules = [
        "30 2 * * *", "0 0 * * *", "*/20 2 * * *", "15,45 1-3 * 3,4,9-11 *", "59 23 * * 0", "0 */6 13 * 5",
        "0 12 29 2 *",
        "20 * * 3,4,10,11 *", "*/30 * 1,29-31 * *", "7 * 30 12 *",
    ]

    @Test(
        "TIM-6 TIM-7 ticks for ten years as Python's zoneinfo says, through gaps, folds and changed rules",
        arguments: zones)
    func zoneinfo(zone: String) throws {
        var random = SeededGenerator(seed: UInt64(zone.utf8.reduce(0) { $0 &* 31 &+ Int($1) }.magnitude))
        let schedules = Self.schedules + (0..<4).map { _ in Self.schedule(using: &random) }
        let expected = try Self.ticks(of: schedules, in: zone)
        let (first, last) = (
            try Self.minute(ofYear: Self.firstYear), try Self.minute(ofYear: Self.firstYear + Self.years)
        )
        for (text, expected) in zip(schedules, expected) {
            let schedule = try CronSchedule("CRON_TZ=\(zone) \(text)")
            var ticks: [Int64] = []
            while let tick = schedule.next(afterMinute: ticks.last ?? first - 1), tick < last { ticks.append(tick) }
            if ticks != expected {
                let same = zip(ticks, expected).prefix { $0 == $1 }.count
                let (ours, theirs) = (ticks.dropFirst(same).first, expected.dropFirst(same).first)
                Issue.record("'\(text)': after \(same) ticks \(ours ?? 0), zoneinfo has \(theirs ?? 0)")
            }
            // From anywhere, not only from a tick: also out of the hour that is read a second time.
            for _ in 0..<200 where !expected.isEmpty {
                let start = (expected.randomElement(using: &random) ?? first) + .random(in: -120...120, using: &random)
                guard start >= first, let next = expected.first(where: { $0 > start }) else { continue }
                #expect(schedule.next(afterMinute: start) == next, "'\(text)' after \(start)")
            }
        }
    }

    @Test(
        "TIM-7 names the instants of the days on which clocks change",
        arguments: [
            // A time that does not exist, and one that comes twice (TIM-8 has the same days).
            ("America/New_York", "30 2 * * *", "2026-03-08T00:00", ["2026-03-08T07:00", "2026-03-09T06:30"]),
            ("America/New_York", "*/10 2 * * *", "2026-03-08T07:00", ["2026-03-09T06:00"]),
            ("America/New_York", "30 1 * * *", "2026-11-01T00:00", ["2026-11-01T05:30", "2026-11-02T06:30"]),
            ("America/New_York", "30 1 * * *", "2026-11-01T06:00", ["2026-11-02T06:30"]),
            // Every real hour: 01:30 twice in autumn, 02:30 not at all in spring.
            (
                "America/New_York", "30 * * * *", "2026-11-01T05:00",
                ["2026-11-01T05:30", "2026-11-01T06:30", "2026-11-01T07:30"]
            ),
            ("America/New_York", "30 * * * *", "2026-03-08T06:00", ["2026-03-08T06:30", "2026-03-08T07:30"]),
            // Half an hour.
            ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T00:00", ["2026-10-03T15:30", "2026-10-04T15:15"]),
            // Dateline: 30 December 2011 was left out.
            (
                "Pacific/Apia", "0 12 * * *", "2011-12-29T00:00",
                ["2011-12-29T22:00", "2011-12-30T10:00", "2011-12-30T22:00"]
            ),
            ("UTC", "30 2 * * *", "2026-03-08T00:00", ["2026-03-08T02:30"]),
        ] as [(String, String, String, [String])])
    func changes(zone: String, text: String, start: String, ticks: [String]) throws {
        let schedule = try CronSchedule("CRON_TZ=\(zone) \(text)")
        var now = try #require(Timestamp(iso8601: start + ":00.000Z"))
        for tick in ticks {
            now = try #require(schedule.next(after: now))
            #expect(now.iso8601 == tick + ":00.000Z")
        }
    }

    @Test("a day has 23, 24 or 25 hours", arguments: [("2026-03-08", 23), ("2026-06-01", 24), ("2026-11-01", 25)])
    func hours(day: String, count: Int) throws {
        let hourly = try CronSchedule("TZ=America/New_York @hourly")
        let daily = try CronSchedule("TZ=America/New_York @daily")
        let noon = try #require(Timestamp(iso8601: day + "T00:00:00.000Z"))
        let begin = try #require(daily.next(after: noon))
        let end = try #require(daily.next(after: begin))
        var (now, ticks) = (begin, 0)
        while now < end { (now, ticks) = (try #require(hourly.next(after: now)), ticks + 1) }
        #expect(now == end && ticks == count)
    }

    @Test(
        "is bounded for dates that never come, and soft at the ends of time",
        arguments: ["0 0 30 2 *", "* * 31 4,6,9,11 *"])
    func never(text: String) throws {
        let schedule = try CronSchedule("CRON_TZ=Australia/Lord_Howe \(text)")
        for milliseconds in [0, 1_767_225_600_000, Int64.min, .max, .min + 1, 4_102_444_800_000] {
            #expect(schedule.next(after: Timestamp(milliseconds: milliseconds)) == nil)
        }
        let daily = try CronSchedule("CRON_TZ=Australia/Lord_Howe 30 1 * * *")
        #expect(daily.next(after: Timestamp(milliseconds: .max)) == nil)
        #expect(daily.next(after: Timestamp(milliseconds: .min)) != nil)
    }

    @Test(
        "refuses what is no zone",
        arguments: [
            "", "Nowhere/Else", "europe/berlin", "GMT+5", "EST", "../../etc/passwd", "/etc/localtime",
            "Europe/Berlin\u{301}",
            "Europe/", "Europe", String(repeating: "a/", count: 40),
        ])
    func refusals(name: String) {
        #expect(throws: CronError.unknownZone(name)) { try CronSchedule("CRON_TZ=\(name) * * * * *") }
    }

    // MARK: Support

    private static func minute(ofYear year: Int) throws -> Int64 {
        try #require(Timestamp(iso8601: "\(year)-01-01T00:00:00.000Z")?.milliseconds) / 60_000
    }

    private static func schedule(using random: inout SeededGenerator) -> String {
        func some(_ bounds: ClosedRange<Int>, _ count: Int) -> String {
            guard Bool.random(using: &random) else { return "*" }
            let numbers = Set((0..<count).map { _ in Int.random(in: bounds, using: &random) })
            return numbers.sorted().map(String.init).joined(separator: ",")
        }
        let minute = Int.random(in: 0...59, using: &random)
        return "\(minute) \(some(0...4, 2)) \(some(1...31, 6)) \(some(1...12, 4)) \(some(0...6, 2))"
    }

    /// Asks `zone_ticks.py`, beside this file, which knows nothing of our code.
    private static func ticks(of schedules: [String], in zone: String) throws -> [[Int64]] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "zone_ticks.py").path
        process.arguments = ["python3", script, zone, "\(firstYear)", "\(years)"] + schedules
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).prefix(schedules.count)
        try #require(process.terminationStatus == 0 && lines.count == schedules.count)
        return lines.map { $0.split(separator: " ").compactMap { Int64($0) } }
    }
}

extension CronSchedule {
    fileprivate func next(afterMinute minute: Int64) -> Int64? {
        next(after: Timestamp(milliseconds: minute * 60_000)).map { $0.milliseconds / 60_000 }
    }
}
