import AVSEthereum
import AVSPrimitives

extension Block {
    /// What a block trigger reports of its block (6.8): the difficulty is text, the time in seconds.
    var triggerOutput: JSONValue {
        [
            "blockNumber": .number(Double(number)), "blockHash": .string(hash.hex),
            "timestamp": .number(Double(timestamp)), "parentHash": .string(parentHash.hex),
            "difficulty": .string(difficulty.description), "gasLimit": .number(Double(gasLimit)),
            "gasUsed": .number(Double(gasUsed)),
        ]
    }
}
