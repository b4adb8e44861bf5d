import AVSPrimitives
import AVSTesting
import Testing

@testable import AVSModel

private func instant(_ text: String) throws -> Timestamp {
    try #require(Timestamp(iso8601: text.count == 16 ? text + ":00.000Z" : text))
}

@Suite("A cron schedule")
struct CronScheduleTests {
    @Test("agrees with croniter", arguments: CronVectors.lines.split(separator: "\n").map(String.init))
    func vectors(line: String) throws {
        let parts = line.split(separator: "|").map { $0.drop { $0 == " " } }
        let schedule = try CronSchedule(String(parts[0]))
        var now = try instant(parts[1].split(separator: " ").joined())
        for expected in parts[2].split(separator: " ") {
            now = try #require(schedule.next(after: now))
            #expect(now == (try instant(String(expected))))
        }
    }

    @Test("TIM-6 ticks at second 0, strictly later, whatever the milliseconds of the question")
    func strictlyAfter() throws {
        let schedule = try CronSchedule("*/5 * * * *")
        let tick = try instant("2026-01-17T10:10")
        #expect(schedule.next(after: Timestamp(milliseconds: tick.milliseconds - 1)) == tick)
        #expect(schedule.next(after: Timestamp(milliseconds: tick.milliseconds - 299_999)) == tick)
        #expect(schedule.next(after: tick) == (try instant("2026-01-17T10:15")))
        #expect(
            schedule.next(after: Timestamp(milliseconds: tick.milliseconds + 1)) == (try instant("2026-01-17T10:15")))
    }

    @Test("works before 1970 and fails softly at the ends of time")
    func extremes() throws {
        let schedule = try CronSchedule("30 12 * * *")
        #expect(schedule.next(after: try instant("1899-12-31T12:30")) == (try instant("1900-01-01T12:30")))
        #expect(schedule.next(after: Timestamp(milliseconds: .max)) == nil)
        #expect(schedule.next(after: Timestamp(milliseconds: .min)) != nil)
        #expect(try CronSchedule("@every 7m").next(after: Timestamp(milliseconds: .max)) == nil)
        #expect(try CronSchedule("@every 7m").next(after: Timestamp(milliseconds: .min)) != nil)
    }

    @Test(
        "TIM-8 has no next tick on a date that does not exist",
        arguments: ["0 0 30 2 *", "0 0 31 2 *", "* * 31 4,6,9,11 *", "0 0 30-31 feb *"])
    func impossible(text: String) throws {
        #expect(try CronSchedule(text).next(after: try instant("2026-01-17T10:07")) == nil)
    }

    @Test("finds 29 February across a century without one")
    func leapDay() throws {
        let schedule = try CronSchedule("0 0 29 2 *")
        #expect(schedule.next(after: try instant("2096-02-29T00:00")) == (try instant("2104-02-29T00:00")))
        #expect(schedule.next(after: try instant("2096-02-28T23:59")) == (try instant("2096-02-29T00:00")))
    }

    @Test("takes either day field when both are restricted, both when one is open")
    func dayRule() throws {
        let start = try instant("2026-01-01T00:00")  // a Thursday
        #expect(try CronSchedule("0 0 13 * 1").next(after: start) == (try instant("2026-01-05T00:00")))
        #expect(try CronSchedule("0 0 13 * *").next(after: start) == (try instant("2026-01-13T00:00")))
        #expect(try CronSchedule("0 0 * * 1").next(after: start) == (try instant("2026-01-05T00:00")))
        #expect(try CronSchedule("0 0 ? * 1").next(after: start) == (try instant("2026-01-05T00:00")))
        // `*/2` restricts: every second day of the month, or a Monday.
        #expect(try CronSchedule("0 0 */2 * 1").next(after: start) == (try instant("2026-01-03T00:00")))
    }

    @Test(
        "TIM-11 anchors @every at the epoch, so that all operators name the same ticks",
        arguments: [
            ("@every 5m", "2026-01-17T10:07", "2026-01-17T10:10"),
            ("@every 1h30m", "2026-01-17T10:07", "2026-01-17T10:30"),
            ("@every 90m", "2026-01-17T10:30", "2026-01-17T12:00"),
            ("@every 120s", "2026-01-17T10:07", "2026-01-17T10:08"),
            ("@every 24h", "2026-01-17T10:07", "2026-01-18T00:00"),
            ("@every 24h", "1969-12-30T10:07", "1969-12-31T00:00"),
        ])
    func every(text: String, start: String, tick: String) throws {
        #expect(try CronSchedule(text).next(after: try instant(start)) == (try instant(tick)))
    }

    @Test(
        "accepts steps, names in any case, 7 for Sunday and any blanks",
        arguments: [
            ("*/1 * * * *", "* * * * *"), ("0 0 * JAN-Mar Mon", "0 0 * 1-3 1"), ("0 0 * * 5-7", "0 0 * * 0,5,6"),
            ("\t5  0 * *\t*  ", "5 0 * * *"), ("50/5 0 * * *", "50,55 0 * * *"), ("0 0 * * 7", "0 0 * * sun"),
            ("*/100 0 * * *", "0 0 * * *"), ("007 0 * * *", "7 0 * * *"),
        ])
    func spellings(text: String, plain: String) throws {
        var now = try instant("2026-01-17T10:07")
        let (a, b) = (try CronSchedule(text), try CronSchedule(plain))
        for _ in 0..<50 {
            let next = try #require(a.next(after: now))
            #expect(next == b.next(after: now))
            now = next
        }
    }

    @Test(
        "refuses what it cannot read and says why",
        arguments: [
            ("", "schedule has 0 fields, 5 are needed: minute hour day-of-month month day-of-week"),
            ("* * * *", "schedule has 4 fields, 5 are needed: minute hour day-of-month month day-of-week"),
            ("0 * * * * *", "schedule has 6 fields, 5 are needed: minute hour day-of-month month day-of-week"),
            ("60 * * * *", "minute '60' is outside 0-59"),
            ("* 24 * * *", "hour '24' is outside 0-23"),
            ("* * 0 * *", "day-of-month '0' is outside 1-31"),
            ("* * * 13 *", "month '13' is outside 1-12"),
            ("* * * * 8", "day-of-week '8' is outside 0-7"),
            ("5-1 * * * *", "minute range '5-1' ends before it starts"),
            ("* * * * sat-sun", "day-of-week range 'sat-sun' ends before it starts"),
            ("*/0 * * * *", "minute '*/0' has a step of 0"),
            ("@every 30s", "'@every 30s' must be whole minutes, such as 5m or 1h30m, from 1m to 527040m"),
            ("@reboot", "'@reboot' is not one of @yearly @annually @monthly @weekly @daily @midnight @hourly @every"),
        ])
    func refusals(text: String, message: String) {
        let error = #expect(throws: CronError.self) { try CronSchedule(text) }
        #expect(error?.description == message)
    }

    @Test(
        "refuses malformed items, without trapping",
        arguments: [
            "1, * * * *", ",1 * * * *", "- * * * *", "1- * * * *", "-1 * * * *", "1-2-3 * * * *", "1/2/3 * * * *",
            "/ * * * *",
            "*/ * * * *", "/5 * * * *", "a * * * *", "*5 * * * *", "**  * * * *", "1.5 * * * *", "+1 * * * *",
            "１ * * * *",
            "99999999999999999999 * * * *", "*/99999999999999999999 * * * *", "* * * foo *", "* * * jan/2/3 *", "@",
            "@Daily",
            "@daily 5", "@every", "@every ", "@every 5", "@every m", "@every -5m", "@every 1.5h", "@every 0m",
            "@every 999999999h", "@every 1h 30m", "@every 5m5", "TZ=UTC", "TZ=UTC* * * * *", "* TZ=UTC * * * *",
            "\u{0} * * * *", "* * * * *\n",
        ])
    func malformed(text: String) {
        #expect(throws: CronError.self) { try CronSchedule(text) }
    }

    @Test("refuses a text over 256 bytes unread")
    func tooLong() {
        let text = "0" + String(repeating: ",0", count: 125) + " * * * *"
        #expect(throws: CronError.tooLong(bytes: 259)) { try CronSchedule(text) }
    }

    @Test("never traps on arbitrary bytes", arguments: 0..<20 as Range<UInt64>)
    func noise(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("0123456789*/,-? @everyhmsunjan\t\u{E9}".utf8)
        for _ in 0..<500 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            let instant = Timestamp(milliseconds: Int64.random(in: .min ... .max, using: &random))
            do throws(CronError) {
                _ = try CronSchedule(String(decoding: bytes, as: UTF8.self)).next(after: instant)
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }
}
