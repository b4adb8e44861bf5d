/// Paths as texts, without asking the file system.
enum FilePaths {
    /// Whether `path` is `folder` or below it. A relative and an absolute path are never found to be so.
    static func contains(_ folder: String, _ path: String) -> Bool {
        folder.hasPrefix("/") == path.hasPrefix("/") && components(path).starts(with: components(folder))
    }

    static func join(_ folder: String, _ name: String) -> String {
        folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
    }

    /// What a path that is written in `folder` names from elsewhere.
    static func resolve(_ path: String, in folder: String) -> String {
        if path.hasPrefix("/") || folder.isEmpty { return path }
        return path.isEmpty ? folder : join(folder, path)
    }

    /// The folder of a file; empty for a name alone.
    static func folder(of file: String) -> String {
        guard let slash = file.lastIndex(of: "/") else { return "" }
        return slash == file.startIndex ? "/" : String(file[..<slash])
    }

    /// Without `.`, and without `name/..`.
    private static func components(_ path: String) -> [Substring] {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." {
                parts.removeLast()
            } else {
                parts.append(part)
            }
        }
        return parts
    }
}
