import Yams

// Text → nodes. What the YAML library finds wrong gets a position like everything else.
extension DocumentReader {
    /// Nil for an empty document, and for one that is refused as a whole.
    func compose(_ bytes: [UInt8]) -> Node? {
        guard bytes.count <= Self.sizeLimitBytes else {
            refuse(path: "", position: nil, "\(bytes.count) bytes: wanted at most \(Self.sizeLimitBytes)")
            return nil
        }
        let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]
        let content = bytes.starts(with: byteOrderMark) ? bytes.dropFirst(3) : bytes[...]
        guard let text = String(validating: content, as: UTF8.self) else {
            refuse(path: "", position: Self.firstInvalidByte(content), "not valid UTF-8")
            return nil
        }
        do {
            return try Yams.compose(yaml: text, .basic, .default, .utf8)
        } catch let error as YamlError {
            refuse(error)
        } catch {
            refuse(path: "", position: nil, "\(error)")
        }
        return nil
    }

    private func refuse(_ error: YamlError) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let what = [context?.text, problem].compactMap(\.self).joined(separator: ": ")
            refuse(path: "", position: mark.position, "not valid YAML: \(what)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "`\($0)`" }.joined(separator: ", ")
            refuse(path: "", position: context.mark.position, "\(names): is given more than once in this mapping")
        case .reader(let problem, let offset, _, let yaml):
            let position = offset.map { Self.position(afterCharacters: $0, of: yaml) }
            refuse(path: "", position: position, "not valid YAML: \(problem)")
        default:
            refuse(path: "", position: nil, "not valid YAML: \(error)")
        }
    }

    private static func position(afterCharacters count: Int, of text: String) -> SourcePosition {
        position(after: text.prefix(count).unicodeScalars)
    }

    private static func position(after scalars: some Sequence<Unicode.Scalar>) -> SourcePosition {
        var position = SourcePosition(line: 1, column: 1)
        for scalar in scalars {
            if scalar == "\n" {
                position = SourcePosition(line: position.line + 1, column: 1)
            } else {
                position.column += 1
            }
        }
        return position
    }

    /// Behind the longest valid beginning: every scalar that decodes to something else than its own bytes ends it.
    private static func firstInvalidByte(_ bytes: ArraySlice<UInt8>) -> SourcePosition {
        var iterator = bytes.makeIterator()
        var decoder = UTF8()
        var scalars: [Unicode.Scalar] = []
        while case .scalarValue(let scalar) = decoder.decode(&iterator) { scalars.append(scalar) }
        return position(after: scalars)
    }
}
