/// What a source can lead to, which decides what a context has to do before it runs.
///
/// Most of what a context costs is to freeze the prototypes (JS-6), and most scripts cannot reach one. A source is
/// judged by its letters wherever they stand, in comments and strings too, so nothing is parsed. A name that is not in
/// it can only be said by code that the script makes, and what makes code is one of the names; or it is computed, for
/// which there must be a bracket or a backslash.
struct ScriptReach: Hashable {
    enum Extent: String {
        case nothing
        /// What properties of values lead to, whose names the script computes.
        case values
        case world
    }

    var extent = Extent.nothing
    /// Means nothing where the extent is the world, to which the console belongs.
    var saysConsole = false
}

/// The names that lead somewhere: those that a fresh context has, and some that every source may say.
struct WorldNames: Sendable {
    private let leading: Set<[UInt8]>

    /// - Parameter names: of the properties of the global object, as the engine lists them.
    init(_ names: some Sequence<String>) {
        leading = Set((names.filter { !Self.harmless.contains($0) } + Self.always).map { Array($0.utf8) })
    }

    /// Functions without a way to what they belong to, values, and the namespaces whose members are such.
    private static let harmless: Set<String> = [
        "Infinity", "JSON", "Math", "NaN", "console", "decodeURI", "decodeURIComponent", "encodeURI",
        "encodeURIComponent", "escape", "isFinite", "isNaN", "parseFloat", "parseInt", "undefined", "unescape",
    ]

    /// What leads to a prototype by itself or makes code; what an error, a promise or the global object comes from; and
    /// what the guard defines.
    private static let always = [
        "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__", "__proto__", "async", "await",
        "bigCmp", "bigGt", "bigLt", "catch", "constructor", "crypto", "eval", "globalThis", "import", "parseUnit",
        "prototype", "require", "super", "this", "toBigInt",
    ]

    /// Members of classes that are values, or functions that give away nothing of their class, where they are read
    /// right behind its name; and the classes that can be called so.
    private static let members: [[UInt8]: (names: Set<[UInt8]>, isCallable: Bool)] = [
        "Array": (["from", "isArray", "of"], true),
        "BigInt": ([], true),
        "Boolean": ([], true),
        "Date": (["now"], false),
        "Number": (
            [
                "EPSILON", "MAX_SAFE_INTEGER", "MAX_VALUE", "MIN_SAFE_INTEGER", "MIN_VALUE", "isFinite", "isInteger",
                "isNaN", "isSafeInteger", "parseFloat", "parseInt",
            ], true
        ),
        "Object": (["assign", "entries", "fromEntries", "hasOwn", "is", "keys", "values"], false),
        "String": (["fromCharCode", "fromCodePoint", "raw"], true),
    ].reduce(into: [:]) { members, row in
        members[Array(row.key.utf8)] = (Set(row.value.0.map { Array($0.utf8) }), row.value.1)
    }

    /// The reach of all of them together.
    func reach(of sources: [String]) -> ScriptReach {
        var reach = ScriptReach()
        for source in sources where reach.extent != .world { extend(&reach, by: Array(source.utf8)) }
        return reach
    }

    private func extend(_ reach: inout ScriptReach, by source: [UInt8]) {
        var index = source.startIndex
        while index < source.endIndex {
            let byte = source[index]
            guard Self.startsName(byte) else {
                if byte == UInt8(ascii: "[") { reach.extent = .values }
                if byte == UInt8(ascii: "\\") {
                    reach.extent = .values
                    // It may write a letter of a name.
                    if Self.byte(in: source, at: index + 1) == UInt8(ascii: "u") { return reach.extent = .world }
                }
                index += 1
                continue
            }
            let end = Self.endOfName(in: source, from: index)
            let name = Array(source[index..<end])
            if name == Self.console {
                reach.saysConsole = true
            } else if leading.contains(name), !isHarmlessUse(of: name, in: source, behind: end) {
                return reach.extent = .world
            }
            index = end
        }
    }

    private func isHarmlessUse(of name: [UInt8], in source: [UInt8], behind end: Int) -> Bool {
        guard let (names, isCallable) = Self.members[name] else { return false }
        switch Self.byte(in: source, at: end) {
        case UInt8(ascii: "("): return isCallable
        case UInt8(ascii: "."):
            return names.contains(Array(source[(end + 1)..<Self.endOfName(in: source, from: end + 1)]))
        default: return false
        }
    }

    private static let console = Array("console".utf8)

    /// Of a name that is in the sets above: others may also start with, and contain, letters beyond ASCII.
    private static func startsName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: "$"): true
        default: false
        }
    }

    private static func byte(in source: [UInt8], at index: Int) -> UInt8? {
        index < source.endIndex ? source[index] : nil
    }

    private static func endOfName(in source: [UInt8], from start: Int) -> Int {
        source[start...].firstIndex { !startsName($0) && !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            ?? source.endIndex
    }
}
