/// Paths as texts, without asking the file system.
enum FilePaths {
    /// Whether `path` is `folder` or below it. A relative and an absolute path are never found to be so.
    static func contains(_ folder: String, _ path: String) -> Bool {
        folder.hasPrefix("/") == path.hasPrefix("/") && components(path).starts(with: components(folder))
    }

    static func join(_ folder: String, _ name: String) -> String {
        folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
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
