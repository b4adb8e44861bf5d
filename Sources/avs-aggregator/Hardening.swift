import CProcess
import Glibc

/// What the process asks of the kernel for itself, first of all (HRD-1, HRD-2).
enum Hardening {
    /// Files and sockets that we make are nobody else's to read.
    static func restrictNewFiles() { umask(0o077) }

    /// Memory holds keys: it is neither dumped nor shown to others.
    static func forbidDumps() throws(StartFailure) {
        let code = CProcess_forbidDumps()
        guard code == 0 else { throw StartFailure(70, "core dumps cannot be switched off: \(text(of: code))") }
    }

    /// Lets the process have as many files and sockets open as the system allows.
    /// - Returns: how many that are.
    static func raiseFileLimit() throws(StartFailure) -> Int {
        let limit = CProcess_raiseFileLimit()
        guard limit >= 0 else {
            throw StartFailure(70, "the limit of open files cannot be raised: \(text(of: Int32(clamping: -limit)))")
        }
        return Int(limit)
    }

    /// What is open beside connections: tables and logs of the store, script workers, requests of our own.
    static let otherFiles = 2_048

    /// What is wrong with so many files for so many connections; nil if nothing is.
    static func warning(files: Int, connections: Int) -> String? {
        guard files - otherFiles < connections else { return nil }
        return "limits.connections is \(connections), and only \(files) files may be open: wanted at least "
            + "\(connections + otherFiles); raise the hard limit (LimitNOFILE, ulimit -Hn) or lower the key"
    }

    private static func text(of code: Int32) -> String { String(cString: strerror(code)) }
}
