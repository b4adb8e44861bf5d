@testable import AVSConfiguration

/// A YAML document that is built key by key and knows where it wrote each value.
struct Document {
    indirect enum Tree {
        case leaf(String)
        case mapping([(name: String, value: Tree)])
        case list([Tree])
    }

    private var root: Tree = .mapping([])

    /// - Parameter values: dotted paths with the text to write for each; `chains[].id` is the first element's.
    init(_ values: [(String, String)]) {
        for (path, text) in values { set(path, text) }
    }

    /// Replaces what is at `path`, be it a value or everything below.
    mutating func set(_ path: String, _ text: String) {
        root = Self.setting(root, Self.components(path)[...], text)
    }

    mutating func remove(_ name: String) {
        guard case .mapping(let pairs) = root else { return }
        root = .mapping(pairs.filter { $0.name != name })
    }

    /// The document, and the place of each value by path, with `[0]` for list elements.
    var rendered: (text: String, places: [String: SourcePosition]) {
        var writer = Writer()
        writer.write(root, indent: 0, path: "")
        return (writer.text, writer.places)
    }

    var text: String { rendered.text }
    var bytes: [UInt8] { Array(text.utf8) }

    private static func components(_ path: String) -> [String] {
        path.replacing("[]", with: ".[]").split(separator: ".").map(String.init)
    }

    private static func setting(_ tree: Tree, _ path: ArraySlice<String>, _ text: String) -> Tree {
        guard let name = path.first else { return .leaf(text) }
        let rest = path.dropFirst()
        if name == "[]" {
            guard case .list(let elements) = tree, let first = elements.first else {
                return .list([setting(.mapping([]), rest, text)])
            }
            return .list([setting(first, rest, text)] + elements.dropFirst())
        }
        var pairs: [(name: String, value: Tree)] = []
        if case .mapping(let existing) = tree { pairs = existing }
        if let index = pairs.firstIndex(where: { $0.name == name }) {
            pairs[index].value = setting(pairs[index].value, rest, text)
        } else {
            pairs.append((name, setting(.mapping([]), rest, text)))
        }
        return .mapping(pairs)
    }

    private struct Writer {
        var text = ""
        var places: [String: SourcePosition] = [:]
        private var line = 1

        mutating func write(_ tree: Tree, indent: Int, path: String) {
            let spaces = String(repeating: " ", count: indent)
            switch tree {
            case .leaf(let value):
                text += value
            case .mapping(let pairs):
                for (name, value) in pairs {
                    let child = path.isEmpty ? name : "\(path).\(name)"
                    writeItem("\(spaces)\(name):", value, indent: indent, path: child)
                }
            case .list(let elements):
                for (index, element) in elements.enumerated() {
                    writeItem("\(spaces)-", element, indent: indent, path: "\(path)[\(index)]")
                }
            }
        }

        private mutating func writeItem(_ head: String, _ value: Tree, indent: Int, path: String) {
            text += head
            if case .leaf(let leaf) = value {
                places[path] = SourcePosition(line: line, column: head.unicodeScalars.count + 2)
                text += " \(leaf)\n"
                line += leaf.count(where: { $0 == "\n" }) + 1
            } else {
                text += "\n"
                line += 1
                places[path] = SourcePosition(line: line, column: indent + 3)
                write(value, indent: indent + 2, path: path)
            }
        }
    }
}
