import AVSScriptFrames
import FuzzInputs

/// What crosses between the aggregator and its script workers, whole and cut at every offset: whatever is understood can
/// be written and is understood again, and a request that ends inside its header is none.
struct ScriptFrameTarget: Target {
    static let name = "script-frames"
    static let share = 120

    private static let words = [
        "{\"results\":[", "],\"console\":[", "],\"resident\":", "{\"t\":\"j\",\"v\":", "{\"t\":\"u\"}", "{\"t\":\"b\",\"v\":\"-12\"}",
        "{\"t\":\"d\",\"v\":8640000000000000}", "{\"t\":\"n\",\"v\":\"NaN\"}", "{\"t\":\"e\",\"v\":\"TypeError\"}", "\"limit\":", "\"kind\":",
        "\"call\"", "\"body\"", "\"sources\":[", "\"parameters\":[", "\"variables\":", "\"layers\":[", "\"missing\":{", "1e308", "-1", "0.5",
        "9223372036854775807", "600000", "null", "{}", "[]", ",", "\"", "}", "]", "\u{0}\u{0}\u{0}", "\u{1}",
    ]
    /// Longer inputs are cut at some offsets only.
    private static let everyOffsetBytes = 192

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        Words.changed(seed, words: Self.words, splicing: other, &random)
    }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        try check(input)
        let cutsAll = input.count <= Self.everyOffsetBytes && random.oneIn(4)
        let cuts = cutsAll ? Array(0..<input.count) : (0..<4).map { _ in random.below(input.count) }
        for cut in cuts { try check(Array(input[..<cut])) }
    }

    private func check(_ bytes: [UInt8]) throws(Finding) {
        if let length = ScriptFrame.length(bytes.prefix(4)) {
            guard ScriptFrame.bigEndian(UInt32(clamping: length)) == Array(bytes.prefix(4)) else {
                throw Finding("a prefix of \(length) is written otherwise")
            }
        }
        if let request = request(bytes) {
            guard let length = ScriptFrame.length(bytes.prefix(4)), bytes.count >= 4 + length else {
                throw Finding("a request that ends inside its header is understood")
            }
            guard self.request(request.body) == request else { throw Finding("a request is written otherwise") }
            guard (1...600_000).contains(request.timeLimitMilliseconds) else { throw Finding("a limit of no time") }
        }
        if let greeting = greeting(bytes), self.greeting(greeting.body) != greeting {
            throw Finding("a greeting is written otherwise")
        }
        if let answer = answer(bytes), answer.residentBytes < 0 || answer.console.count > bytes.count {
            throw Finding("an answer of \(answer.residentBytes) bytes and \(answer.console.count) lines")
        }
    }

    private func request(_ bytes: [UInt8]) -> ScriptRequest? {
        do throws(ScriptFrameError) { return try ScriptRequest(body: bytes) } catch { return nil }
    }

    private func greeting(_ bytes: [UInt8]) -> WorkerGreeting? {
        do throws(ScriptFrameError) { return try WorkerGreeting(body: bytes) } catch { return nil }
    }

    private func answer(_ bytes: [UInt8]) -> ScriptAnswer? {
        do throws(ScriptFrameError) { return try ScriptAnswer(body: bytes) } catch { return nil }
    }
}
