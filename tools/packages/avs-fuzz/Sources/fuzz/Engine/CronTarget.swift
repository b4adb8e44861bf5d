import AVSModel
import AVSPrimitives
import FuzzInputs

/// Cron schedules: accepted is what an independent reader accepts, and ticks are minutes that match, with none between.
/// Of those in a zone other than UTC, which the reader does not know, ticks are looked at in their order only.
struct CronTarget: Target {
    static let name = "cron"
    static let share = 150

    private static let words = [
        "*", "?", "*/", "/", "-", ",", " ", "\t", "0", "1", "5", "7", "15", "23", "24", "29", "30", "31", "59", "60", "007",
        "999999999", "jan", "FEB", "dec", "mon", "Sun", "sat", "0 0 29 2 *", "0 0 30 2 *", "@daily", "@every ", "@weekly", "90m",
        "1h", "120s", "1h30m", "* * * * *", "@", "é", "\u{0}", "+1", "1-5", "10-20/3", "50/5",
        "CRON_TZ=UTC ", "TZ=Europe/Berlin ", "CRON_TZ=Australia/Lord_Howe ", "TZ=",
    ]
    private static let minute: Int64 = 60_000

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        Words.changed(seed, words: Self.words, splicing: other, &random)
    }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        let text = String(decoding: input, as: UTF8.self)
        switch (Result { () throws(CronError) in try CronSchedule(text) }, SlowCron(text)) {
        case (.success(let schedule), let slow?):
            guard schedule.description == text else { throw Finding("'\(text)' calls itself '\(schedule)'") }
            for _ in 0..<4 { try check(schedule, slow, after: start(&random), &random) }
        case (.failure, nil): return
        case (.success(let schedule), nil) where text.contains("TZ="):
            for _ in 0..<4 { try checkOrder(of: schedule, after: start(&random)) }
        case (.success, nil): throw Finding("'\(text)' is accepted")
        case (.failure(let error), .some): throw Finding("'\(text)' is refused: \(error)")
        }
    }

    private func checkOrder(of schedule: CronSchedule, after start: Int64) throws(Finding) {
        guard let tick = schedule.next(after: Timestamp(milliseconds: start))?.milliseconds else { return }
        guard tick > start, tick % Self.minute == 0 else { throw Finding("'\(schedule)' ticks at \(tick) after \(start)") }
        for earlier in [tick - 1, start + (tick - start) / 2] where earlier < tick {
            guard schedule.next(after: Timestamp(milliseconds: earlier))?.milliseconds == tick else {
                throw Finding("'\(schedule)' ticks at \(tick) after \(start), but not after \(earlier)")
            }
        }
    }

    private func start(_ random: inout Generator) -> Int64 {
        switch random.below(8) {
        case 0: Int64(bitPattern: random.next())
        case 1: [.min, .max, 0, -1, Self.minute, -Self.minute][random.below(6)]
        default: Int64(random.below(200 * 366 * 86_400)) * 1_000 + Int64(random.below(1_000)) - 2_208_988_800_000
        }
    }

    private func check(
        _ schedule: CronSchedule, _ slow: SlowCron, after start: Int64, _ random: inout Generator
    ) throws(Finding) {
        guard let tick = schedule.next(after: Timestamp(milliseconds: start))?.milliseconds else {
            let isAtTheEnd = start > .max - 9 * 366 * 86_400_000
            guard isAtTheEnd || !slow.hasDates else { throw Finding("'\(schedule)' has no tick after \(start)") }
            return
        }
        guard tick > start, tick % Self.minute == 0, slow.matches(minute: tick / Self.minute) else {
            throw Finding("'\(schedule)' ticks at \(tick) after \(start)")
        }
        guard schedule.next(after: Timestamp(milliseconds: tick - 1))?.milliseconds == tick else {
            throw Finding("'\(schedule)' ticks at \(tick), but not a millisecond before it")
        }
        // The minutes after the start, and some anywhere.
        let first = start.quotientAndRemainder(dividingBy: Self.minute)
        let minute = first.remainder < 0 ? first.quotient : first.quotient + 1
        let count = Int(clamping: tick / Self.minute - minute)
        let samples = (0..<min(count, 30)) + (0..<8).map { _ in random.below(count) }
        for sample in samples where sample < count && slow.matches(minute: minute + Int64(sample)) {
            throw Finding("'\(schedule)' leaves out minute \(minute + Int64(sample)) after \(start)")
        }
    }
}
