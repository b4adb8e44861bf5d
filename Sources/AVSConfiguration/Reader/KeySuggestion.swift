/// What a person probably meant by a key that does not exist.
struct KeySuggestion {
    /// To follow `unknown key`.
    let text: String

    /// - Parameters:
    ///   - known: the keys of the section in which `name` stands, whose path is `path`.
    ///   - all: every key of the document; one of that name elsewhere is the second-best guess.
    init(for name: String, in known: [String], below path: String, all: [KeyDescription]) {
        if let nearest = Self.nearest(to: name, in: known) {
            text = ": did you mean `\(nearest)`?"
        } else if let elsewhere = all.first(where: { Self.lastName($0.path) == Self.folded(name) }) {
            text = " here: did you mean `\(elsewhere.path)`?"
        } else if known.count <= 12 {
            text = ": known here are \(known.joined(separator: ", "))"
        } else {
            text = path.isEmpty ? " of the configuration" : " of `\(path)`"
        }
    }

    /// The first known key with the fewest changes, if those are at most a third of the letters.
    private static func nearest(to name: String, in known: [String]) -> String? {
        let wanted = folded(name)
        guard (1...64).contains(wanted.utf8.count) else { return nil }
        let rated = known.map { ($0, distance(Array(wanted.utf8), Array(folded($0).utf8))) }
        guard let best = rated.min(by: { $0.1 < $1.1 }), best.1 <= max(1, wanted.utf8.count / 3) else { return nil }
        return best.0
    }

    private static func folded(_ name: String) -> String { name.lowercased().replacing("-", with: "_") }

    private static func lastName(_ path: String) -> Substring { path.split(separator: ".").last ?? path[...] }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other.
    static func distance(_ first: [UInt8], _ second: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...second.count)
        for (row, letter) in first.enumerated() {
            var current = [row + 1]
            for (column, other) in second.enumerated() {
                var best = min(last[column + 1] + 1, current[column] + 1, last[column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == second[column - 1], first[row - 1] == other {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            (beforeLast, last) = (last, current)
        }
        return last[second.count]
    }
}
