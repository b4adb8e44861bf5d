import AVSPrimitives
import Glibc

extension ProcessFacts {
    /// The facts of this process. Secret variables are removed from its environment on the way.
    ///
    /// Once, first thing in `main`: changing the environment is not safe beside other threads.
    public static func takenFromProcess() -> ProcessFacts {
        var facts = ProcessFacts(temporaryDirectory: variable("TMPDIR") ?? P_tmpdir, userID: geteuid())
        while facts.temporaryDirectory.count > 1, facts.temporaryDirectory.hasSuffix("/") {
            facts.temporaryDirectory.removeLast()
        }
        if let folder = getcwd(nil, 0) {
            facts.workingDirectory = String(cString: folder)
            free(folder)
        }
        for name in EnvironmentVariable.allCases {
            guard let text = variable(name.rawValue) else { continue }
            facts.variables[name] = Sensitive(text)
            if name.isSecret { unsetenv(name.rawValue) }
        }
        return facts
    }

    private static func variable(_ name: String) -> String? {
        guard let text = getenv(name), text.pointee != 0 else { return nil }
        return String(cString: text)
    }
}
