import AVSPrimitives
import Glibc

/// Standard output: the result and nothing else. Everything that is not the result goes to ``Note``.
struct ResultWriter: ~Copyable {
    /// Whoever read us, `head` for one, has seen enough. Not an error: the program ends with 0.
    struct ReaderGone: Error {}

    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private static let bufferBytes = 64 << 10

    init(_ descriptor: Int32 = STDOUT_FILENO) { self.descriptor = descriptor }

    /// Writes a line, sooner or later: ``finish()`` writes what is left.
    mutating func line(_ text: String) throws {
        buffer += text.utf8
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count >= Self.bufferBytes { try flush() }
    }

    mutating func finish() throws { try flush() }

    private mutating func flush() throws {
        var rest = buffer[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EPIPE {
                throw ReaderGone()
            } else if errno != EINTR {
                throw Failure(.writeFailed, "standard output: \(String(cString: strerror(errno)))")
            }
        }
        buffer.removeAll(keepingCapacity: true)
    }
}

/// Standard error: what a person should know beside the result.
enum Note {
    static func write(_ text: String) {
        let line = Array("avsctl: \(text)\n".utf8)
        _ = line.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
