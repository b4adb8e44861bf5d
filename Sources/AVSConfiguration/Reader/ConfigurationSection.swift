import Yams

/// A mapping of the configuration: its values with their defaults, and the keys that set them.
///
/// The stored properties of a new value are the defaults; ``keys`` says for each property its name in the file and its
/// bounds. Reading, printing, the list of known keys and the tests all go through that one table.
protocol ConfigurationSection: Hashable, Sendable {
    /// Everything at its default. Properties of required keys hold a placeholder.
    init()
    /// In the order in which they print.
    static var keys: [Key<Self>] { get }
    /// Of a whole document: the paths of keys that are checked and decide nothing, as ``KeyDescription`` has them.
    static var withoutEffect: [String] { get }
    /// What no single key can know: rules between keys, defaults that depend on others. Called once all keys are read.
    mutating func finish(_ context: SectionContext)
}

extension ConfigurationSection {
    static var withoutEffect: [String] { [] }

    mutating func finish(_ context: SectionContext) {}
}

/// One key of a section: where its value lives, how it is read and printed.
struct Key<Section: ConfigurationSection>: Sendable {
    let name: String
    let isRequired: Bool
    /// Sets the section's property, or refuses. `node` is not null.
    let read: @Sendable (_ node: Node, _ section: inout Section, _ context: SectionContext) -> Void
    /// What is printed for it; nil leaves the key out.
    let node: @Sendable (Section) -> Node?
    /// The key itself or, of a section, the keys below it; `path` is the key's own path.
    let described: @Sendable (_ path: String) -> [KeyDescription]
}

/// What a person may write for one key.
struct KeyDescription: Hashable, Sendable {
    /// `limits.tasks_per_owner`, `chains[].id`, `macros.vars.*`.
    var path: String
    var allowed: String
}

extension ConfigurationSection {
    /// Every key below `path`, for suggestions and for the tests that demand a row for each.
    static func described(below path: String = "") -> [KeyDescription] {
        keys.flatMap { $0.described(path.isEmpty ? $0.name : "\(path).\($0.name)") }
    }
}

/// Where in the document a section is being read, and the reading it belongs to.
struct SectionContext {
    let reader: DocumentReader
    /// The dotted path of the section or key; empty for the document.
    let path: String

    func child(_ key: String) -> SectionContext {
        SectionContext(reader: reader, path: path.isEmpty ? key : "\(path).\(key)")
    }

    func element(_ index: Int) -> SectionContext { SectionContext(reader: reader, path: "\(path)[\(index)]") }

    /// Whether the file has a value for this key of the section, right or wrong.
    func isGiven(_ key: String) -> Bool { reader.positions[child(key).path] != nil }

    /// A problem of this very key, placed at `node` or, without one, where the key's value is.
    func refuse(_ message: String, at node: Node? = nil) {
        reader.refuse(path: path, position: node?.mark?.position ?? reader.position(of: path), message)
    }

    /// A problem of a key of this section, placed at its value or, if it has none, at the section.
    func refuse(_ key: String, _ message: String) { child(key).refuse(message) }

    /// Something that works but should be known; it does not stop the program.
    func warn(_ key: String, _ message: String) {
        let path = child(key).path
        reader.warn(path: path, position: reader.position(of: path), message)
    }
}

extension Mark {
    var position: SourcePosition { SourcePosition(line: line, column: column) }
}
