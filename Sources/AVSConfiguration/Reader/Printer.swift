import Yams

/// A configuration as YAML: every value in effect, secrets as marks.
enum Printer {
    static func node<Section: ConfigurationSection>(_ section: Section) -> Node {
        let pairs = Section.keys.compactMap { key in
            key.node(section).map { (Node(key.name, Tag(.str), .plain), $0) }
        }
        return Node(pairs, Tag(.implicit), pairs.isEmpty ? .flow : .block)
    }

    /// Ends with a line feed.
    static func yaml(_ section: some ConfigurationSection) throws -> String {
        try Yams.serialize(node: node(section), allowUnicode: true)
    }
}
