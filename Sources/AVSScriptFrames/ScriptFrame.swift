import AVSPrimitives

/// What crosses between the aggregator and a script worker, in both directions:
///
///     | length of the body: 4 bytes, big-endian | body |
public enum ScriptFrame {
    /// Of a request: variables and lists of arguments of 4 MiB each, and sources that escaping has made longer.
    public static let requestLimitBytes = 10 << 20
    /// Of an answer: results and what was written.
    public static let answerLimitBytes = 4 << 20
    public static let prefixBytes = 4

    /// The prefix of a body with so many bytes.
    public static func bigEndian(_ count: UInt32) -> [UInt8] {
        [UInt8(truncatingIfNeeded: count >> 24), UInt8(truncatingIfNeeded: count >> 16),
            UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count)]
    }

    /// What four bytes announce; nil for any other number of bytes.
    public static func length(_ prefix: ArraySlice<UInt8>) -> Int? {
        guard prefix.count == prefixBytes else { return nil }
        return Int(prefix.reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    }

    static func parse(_ bytes: ArraySlice<UInt8>, depth: Int) throws(ScriptFrameError) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue(parsing: bytes, maximumDepth: depth)
        } catch {
            throw ScriptFrameError("\(error)")
        }
    }
}

/// A frame that is none. Whoever sent it is not to be trusted any further.
public struct ScriptFrameError: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}

/// How a worker ends that ends itself.
public enum WorkerExit: Int32, Sendable {
    /// Its watchdog saw a script run beyond its time.
    case timeout = 40
    /// Its watchdog saw more resident memory than is allowed.
    case memory = 41
    /// What the aggregator sent was no request.
    case protocolError = 42
    /// It could not set itself up; the greeting said why.
    case start = 43
}
