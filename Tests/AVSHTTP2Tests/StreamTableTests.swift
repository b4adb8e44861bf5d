import AVSTesting
import Testing

@testable import AVSHTTP2

@Suite("A stream table")
struct StreamTableTests {
    @Test("does what a dictionary does", arguments: 0..<20 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var table = StreamTable<Int>()
        var model: [Int32: Int] = [:]
        for step in 0..<2_000 {
            let key = Int32.random(in: 1...200, using: &random) * 2 - 1
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                table.insert(step, for: StreamID(key))
                model[key] = step
            case 2:
                #expect(table.remove(StreamID(key)) == model.removeValue(forKey: key))
            default:
                #expect((table.update(StreamID(key)) { $0 += 1 } != nil) == (model[key] != nil))
                model[key]? += 1
            }
            #expect(table[StreamID(key)] == model[key])
            #expect(table.count == model.count)
        }
        #expect(Dictionary(uniqueKeysWithValues: table.all.map { ($0.id.rawValue, $0.element) }) == model)
    }
}
