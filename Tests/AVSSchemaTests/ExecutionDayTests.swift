import AVSModel
import AVSPrimitives
import AVSStorage
import AVSTesting
import Testing

@testable import AVSSchema

private let noon = Timestamp(milliseconds: 20_000 * 86_400_000 + 43_200_000)

private func run(_ milliseconds: Int64, length: Int64 = 10, _ status: ExecutionStatus = .success) -> CountedRun {
    let startAt = Timestamp(milliseconds: noon.milliseconds + milliseconds)
    return CountedRun(startAt: startAt, endAt: Timestamp(milliseconds: startAt.milliseconds + length), status: status)
}

@Suite("A day of recorded runs") struct ExecutionDayTests {
    @Test("knows the day, the moment in it, the end and the length of a run")
    func counted() {
        #expect(run(5).day == 20_000 && run(5).millisecondOfDay == 43_200_005)
        #expect(run(5).tally == RunTally(total: 1, succeeded: 1, milliseconds: 10))
        for status in ExecutionStatus.allCases where status != .success { #expect(run(0, status).tally.succeeded == 0) }
        #expect(run(0, length: -3).tally.milliseconds == 0, "only a positive length counts")
        let open = CountedRun(startAt: noon, endAt: nil, status: .failed)
        #expect(open.tally == RunTally(total: 1))
        let extreme = CountedRun(
            startAt: Timestamp(milliseconds: .min), endAt: Timestamp(milliseconds: .max), status: .success)
        #expect(extreme.day == 0 && extreme.millisecondOfDay == 0 && extreme.tally.milliseconds == 0)
    }

    @Test("counts from a millisecond on")
    func from() {
        var day = ExecutionDay()
        for offset in [0, 1, 1, 7] as [Int64] { day.add(run(offset, .failed)) }
        let first = run(0).millisecondOfDay
        #expect(day.tally().total == 4)
        #expect([0, 1, 2, 7, 8].map { day.tally(from: first + $0).total } == [4, 3, 1, 1, 0])
    }

    @Test("knows 64 moments, and of more than those the quarter of an hour, until it is empty again")
    func rounded() throws {
        var day = ExecutionDay()
        let runs = (0..<65).map { run(Int64($0) * 30_000) }  // 32.5 minutes from noon on
        for run in runs.dropLast() { day.add(run) }
        #expect(!day.isRounded && day.tally(from: runs[1].millisecondOfDay).total == 63)
        day.add(runs[64])
        #expect(day.isRounded && day.tally() == RunTally(total: 65, succeeded: 65, milliseconds: 650))
        #expect(day.tally(from: runs[1].millisecondOfDay).total == 65, "the whole quarter in which it begins")
        #expect(day.tally(from: runs[30].millisecondOfDay).total == 35)
        for run in runs.dropLast() { day.remove(run) }
        #expect(day.isRounded && day.tally().total == 1)
        day.remove(runs[64])
        #expect(day.isEmpty)
    }

    @Test("is smaller than 4 KiB however many runs there are")
    func size() throws {
        var day = ExecutionDay()
        for quarter in 0..<96 {
            let start = noon.milliseconds - 43_200_000 + Int64(quarter) * 900_000
            for _ in 0..<1_000 {
                day.add(
                    CountedRun(
                        startAt: Timestamp(milliseconds: start), endAt: noon.adding(.seconds(1_000_000)),
                        status: .success))
            }
        }
        #expect(day.stored.count < 4_096 && day.tally().total == 96_000)
    }

    @Test(
        "adds and takes back other rows of the day, and says whether a recount agrees",
        arguments: 1...20 as ClosedRange<UInt64>)
    func sums(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        func row(_ count: Int) -> (day: ExecutionDay, runs: [CountedRun]) {
            let runs = (0..<count).map { _ in run(Int64.random(in: 0..<40_000_000, using: &random)) }
            var day = ExecutionDay()
            for run in runs { day.add(run) }
            return (day, runs)
        }
        let (first, second) = (row(Int(seed * 5)), row(40))
        var both = first.day
        both.add(second.day)
        var oneByOne = first.day
        for run in second.runs { oneByOne.add(run) }
        #expect(both == oneByOne)
        #expect(try ExecutionDay(stored: both.stored) == both)
        both.remove(second.day)
        #expect(both.tally() == first.day.tally() && both.agrees(with: first.day))
        both.add(run(1))
        #expect(!both.agrees(with: first.day))
    }

    @Test("is one text, that can be read back")
    func text() throws {
        var day = ExecutionDay()
        day.add(run(43, .failed))
        day.add(run(1, length: 20))
        let text = Array("1,43200001 1 1 20,43200043 1 0 10".utf8)
        #expect(day.stored == text)
        #expect(try ExecutionDay(stored: text) == day)
    }

    @Test(
        "is nothing else",
        arguments: [
            "", "1", "2,1 1 1 1", "1,", "1,1 1 1", "1,1 1 1 1 1", "1,1 0 0 1", "1,1 1 2 1", "1,2 1 1 1,1 1 1 1",
            "1,86400000 1 1 1", "900000,96 1 1 1", "1,1 1 1 99999999999999999999", "1,x 1 1 1", "1,01 1 1 1",
            "-1,1 1 1 1",
            "1," + (0...64).map { "\($0) 1 1 1" }.joined(separator: ","),
        ])
    func malformed(text: String) {
        #expect(throws: MalformedValue.self) { try ExecutionDay(stored: Array(text.utf8)) }
    }

    @Test("whose numbers are absurd stops at the largest one")
    func absurd() throws {
        let most = UInt64.max
        var day = try ExecutionDay(stored: Array("900000,0 \(most) \(most) \(most),1 \(most) 1 \(most)".utf8))
        #expect(day.tally() == RunTally(total: most, succeeded: most, milliseconds: most))
        day.add(day)
        #expect(day.tally().total == most)
    }
}
