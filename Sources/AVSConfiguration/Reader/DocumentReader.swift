import AVSPrimitives
import Yams

/// One reading of one document. It goes on after a problem, so that a person sees everything that is wrong at once.
///
/// A class because the sections below each other all write into the same lists; it lives for one call on one thread.
final class DocumentReader {
    /// Larger files are no configurations; the bound keeps a mistaken path from filling the memory.
    static let sizeLimitBytes = 1 << 20

    let file: String
    let facts: ProcessFacts
    /// Where ``file`` stands, by which relative paths in it go.
    let folder: String
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var warnings: [ConfigurationProblem] = []
    /// Where the value of each given key is.
    private(set) var positions: [String: SourcePosition] = [:]
    private var describeKeys: () -> [KeyDescription] = { [] }

    init(file: String, facts: ProcessFacts) {
        self.file = file
        self.facts = facts
        folder = FilePaths.resolve(FilePaths.folder(of: file), in: facts.workingDirectory)
    }

    /// - Throws: everything that is wrong, ordered by position.
    func read<Root: ConfigurationSection>(_ bytes: [UInt8], as type: Root.Type) throws(ConfigurationError) -> Root {
        describeKeys = { Root.described() }
        let root = SectionContext(reader: self, path: "")
        var value = Root()
        if let node = compose(bytes) {
            read(node, into: &value, root)
        } else if problems.isEmpty {
            read(Node([(Node, Node)]()), into: &value, root)
        }
        guard problems.isEmpty else {
            let start = SourcePosition(line: 0, column: 0)
            throw ConfigurationError(problems: problems.sorted { ($0.position ?? start) < ($1.position ?? start) })
        }
        return value
    }

    /// Sets what `node` names and refuses what `Section` does not know.
    func read<Section: ConfigurationSection>(_ node: Node, into section: inout Section, _ context: SectionContext) {
        guard let mapping = node.isNull ? Node.Mapping([]) : node.mapping else {
            context.refuse("a \(node.kindName) is not allowed here: wanted keys with values", at: node)
            return
        }
        note(node, at: context.path)
        var seen: Set<String> = []
        for (keyNode, valueNode) in mapping {
            guard let name = keyNode.scalar?.string else {
                context.refuse("a \(keyNode.kindName) as a key is not allowed: wanted a name", at: keyNode)
                continue
            }
            let child = context.child(name)
            guard seen.insert(name).inserted else {
                child.refuse("is given more than once", at: keyNode)
                continue
            }
            guard let key = Section.keys.first(where: { $0.name == name }) else {
                let names = Section.keys.map(\.name)
                let hint = KeySuggestion(for: name, in: names, below: context.path, all: describeKeys())
                child.refuse("unknown key\(hint.text)", at: keyNode)
                continue
            }
            guard !valueNode.isNull else { continue }
            note(valueNode, at: child.path)
            key.read(valueNode, &section, child)
        }
        for key in Section.keys where key.isRequired && !context.isGiven(key.name) {
            let allowed = key.described(key.name).first?.allowed ?? "a value"
            context.refuse(key.name, "is missing: wanted \(allowed)")
        }
        section.finish(context)
    }

    func note(_ node: Node, at path: String) {
        positions[path] = node.mark?.position ?? SourcePosition(line: 1, column: 1)
    }

    /// Of the keys with these patterns, such as `chains[].id` or `macros.vars.*`, those that are in the file: each with
    /// its first place, in the order of the file.
    func given(_ patterns: [String]) -> [(path: String, position: SourcePosition)] {
        let found = patterns.compactMap { pattern in
            positions.filter { Self.matches($0.key, pattern) }.min { $0.value < $1.value }
        }
        return found.map { (path: $0.key, position: $0.value) }.sorted { $0.position < $1.position }
    }

    private static func matches(_ path: String, _ pattern: String) -> Bool {
        let parts = path.split(separator: ".")
        let wanted = pattern.split(separator: ".")
        return parts.count == wanted.count
            && zip(parts, wanted).allSatisfy { part, wanted in
                if wanted == "*" { return true }
                guard wanted.hasSuffix("[]") else { return part == wanted }
                return part.hasSuffix("]") && part.prefix { $0 != "[" } == wanted.dropLast(2)
            }
    }

    /// Remembers that a secret was there, unless it is only a mark.
    func noteSecret<Value>(_ value: Value, _ format: ScalarFormat<Value>) {
        switch format.style {
        case .plain, .text: return
        case .secret: holdsSecrets = true
        case .partlySecret:
            if let url = value as? EndpointURL, url.holdsPassword { holdsSecrets = true }
        }
    }

    /// Whether the file has a value that nobody but its owner should read (HRD-5).
    private(set) var holdsSecrets = false

    /// Of the key or, going outwards, of the first section around it that is in the file.
    func position(of path: String) -> SourcePosition {
        var path = path[...]
        while true {
            if let position = positions[String(path)] { return position }
            guard let end = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { break }
            path = path[..<end]
        }
        return positions[""] ?? SourcePosition(line: 1, column: 1)
    }

    /// A key has one problem, the first: what a rule says about a value that was refused is noise.
    func refuse(path: String, position: SourcePosition?, _ message: String) {
        guard path.isEmpty || !problems.contains(where: { $0.key == path }) else { return }
        problems.append(ConfigurationProblem(file: file, position: position, key: path, message: message))
    }

    func warn(path: String, position: SourcePosition?, _ message: String) {
        warnings.append(ConfigurationProblem(file: file, position: position, key: path, message: message))
    }
}
