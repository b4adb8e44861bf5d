public import AVSPrimitives

/// The id of a task: a ULID in lower case, so that ids sort by the time of creation.
///
/// Lookups compare the exact text, so only the lower-case spelling that we issue is a task id (decision D-12).
public struct TaskID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let ulid: ULID

    public init(_ ulid: ULID) { self.ulid = ulid }

    /// - Returns: `nil` unless `text` is 26 characters of lower-case Crockford base 32.
    public init?(_ text: String) {
        guard let ulid = ULID(text) else { return nil }
        self.ulid = ulid
    }

    public var description: String { ulid.description }

    public static func < (left: TaskID, right: TaskID) -> Bool { left.ulid < right.ulid }
}

/// The id of one run of a task: a ULID in lower case.
public struct ExecutionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let ulid: ULID

    public init(_ ulid: ULID) { self.ulid = ulid }

    /// - Returns: `nil` unless `text` is 26 characters of lower-case Crockford base 32.
    public init?(_ text: String) {
        guard let ulid = ULID(text) else { return nil }
        self.ulid = ulid
    }

    public var description: String { ulid.description }

    public static func < (left: ExecutionID, right: ExecutionID) -> Bool { left.ulid < right.ulid }
}
