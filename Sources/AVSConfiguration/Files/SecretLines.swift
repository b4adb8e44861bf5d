import AVSCrypto

/// The text of a key file, taken apart without leaving the protected memory.
struct SecretLines {
    private let content: SharedSecret
    /// Offsets of the lines, without their line feeds and without a carriage return before one.
    private let lines: [Range<Int>]

    init(_ content: SharedSecret) {
        self.content = content
        lines = content.bytes.withUnsafeBytes { bytes in
            var lines: [Range<Int>] = []
            var start = 0
            for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
                let end = index > start && bytes[index - 1] == UInt8(ascii: "\r") ? index - 1 : index
                lines.append(start..<end)
                start = index + 1
            }
            return start < bytes.count ? lines + [start..<bytes.count] : lines
        }
    }

    /// Everything but one line feed at the very end, which editors add.
    func withoutLastLineFeed(file: String) throws(ConfigurationError) -> SecretBytes {
        try copy(0..<(lines.last?.upperBound ?? 0), file: file)
    }

    /// Each line that is not empty as the bytes that it says in hex.
    ///
    /// - Throws: for a line that is not `byteCount` bytes in hex, and for a file without any.
    func keys(byteCount: Int, file: String) throws(ConfigurationError) -> [SharedSecret] {
        var keys: [SharedSecret] = []
        for (index, line) in lines.enumerated() where !line.isEmpty {
            do throws(CryptoError) {
                let key = try SecretBytes(hexText: copy(line))
                guard key.count == byteCount else { throw .outOfRange("length") }
                keys.append(SharedSecret(key))
            } catch {
                let place = SourcePosition(line: index + 1, column: 1)
                let message = "not a key: wanted \(2 * byteCount) hex digits on the line"
                let problem = ConfigurationProblem(file: file, position: place, key: "", message: message)
                throw ConfigurationError(problems: [problem])
            }
        }
        guard !keys.isEmpty else { throw ConfigurationError(file: file, "is empty: wanted a key on its first line") }
        return keys
    }

    private func copy(_ range: Range<Int>, file: String) throws(ConfigurationError) -> SecretBytes {
        do throws(CryptoError) { return try copy(range) } catch { throw ConfigurationError(file: file, "\(error)") }
    }

    private func copy(_ range: Range<Int>) throws(CryptoError) -> SecretBytes {
        try content.bytes.withUnsafeBytes { (bytes) throws(CryptoError) in try SecretBytes(copying: bytes[range]) }
    }
}
