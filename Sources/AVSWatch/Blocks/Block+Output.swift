import AVSEthereum
import AVSPrimitives

extension Block {
    /// What a block trigger reports of its block (6.8): the difficulty is text, the time in seconds.
    static func triggerOutput(number: UInt64, _ block: Block?) -> JSONValue {
        // Without header, empty texts and zeros: the number is what identifies the block.
        [
            "blockNumber": .number(Double(number)), "blockHash": .string(block?.hash.hex ?? ""),
            "timestamp": .number(Double(block?.timestamp ?? 0)), "parentHash": .string(block?.parentHash.hex ?? ""),
            "difficulty": .string(block?.difficulty.description ?? ""),
            "gasLimit": .number(Double(block?.gasLimit ?? 0)), "gasUsed": .number(Double(block?.gasUsed ?? 0)),
        ]
    }
}
