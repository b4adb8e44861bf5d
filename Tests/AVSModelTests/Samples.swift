import AVSModel
import AVSPrimitives

/// Values that tests start from.
enum Sample {
    static let now = Timestamp(milliseconds: 1_900_000_000_000)
    static let owner = Address("0x00000000000000000000000000000000000000a1") ?? .zero
    static let wallet = Address("0x00000000000000000000000000000000000000b2") ?? .zero
    static let reporter = Address("0x00000000000000000000000000000000000000c3") ?? .zero
    static let transaction = Hash32(bytes: [UInt8](repeating: 7, count: 32)) ?? .zero

    static func id(_ number: UInt64) -> TaskID {
        var generator = ULIDGenerator(after: nil)
        var random = Counting(value: number)
        return TaskID(generator.next(at: now, using: &random))
    }

    static func task(_ change: (inout AutomationTask) -> Void = { _ in }) -> AutomationTask {
        var task = AutomationTask(
            id: id(1), owner: owner, wallet: wallet, name: "sample",
            trigger: Trigger(id: "t", name: "trigger", config: .block(BlockTrigger(interval: 5))), nodes: [], edges: [],
            chainID: 31_337)
        change(&task)
        return task
    }

    static func report(
        _ kind: TriggerKind, id requestID: String = "", data: JSONValue? = nil, chain: UInt64? = nil
    ) -> TriggerFired {
        TriggerFired(
            taskID: id(1), reporter: reporter, output: TriggerOutput(kind: kind, data: data), requestID: requestID,
            chainID: chain)
    }
}

/// "Random" numbers that count.
struct Counting: RandomNumberGenerator {
    var value: UInt64
    mutating func next() -> UInt64 {
        value &+= 1
        return value
    }
}
