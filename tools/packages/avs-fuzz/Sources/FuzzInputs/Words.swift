/// Texts of a small language: changes that put in, take out and exchange its words, beside those that know no meaning.
package enum Words {
    package static func changed(
        _ seed: [UInt8], words: [String], splicing other: [UInt8], _ random: inout Generator
    ) -> [UInt8] {
        var text = seed
        for _ in 0...random.below(5) {
            if random.oneIn(3) {
                Mutation.change(&text, &random, splicing: other)
            } else {
                change(&text, words, &random)
            }
        }
        return text
    }

    private static func change(_ text: inout [UInt8], _ words: [String], _ random: inout Generator) {
        let word = Array(random.pick(words, or: "").utf8)
        let start = random.below(text.count + 1)
        let length = random.oneIn(2) ? 0 : min(1 + random.below(8), text.count - start)
        guard text.count + word.count <= Mutation.longestInput else { return }
        text.replaceSubrange(start..<(start + length), with: word)
    }
}
