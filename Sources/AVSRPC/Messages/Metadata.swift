/// What a caller says beside the message: names with values, in order, the same name as often as wanted (MD-4).
///
///     var metadata = Metadata()
///     try metadata.add("authorization", "Bearer …")
///     try metadata.add("trace-bin", bytes: [1, 2, 3])   // `-bin` holds bytes
///     metadata["authorization"]                          // the first value
///
/// Names are lower-cased; they consist of letters, digits, `_`, `-` and `.`. Values are printable ASCII. A value under
/// a `-bin` name is bytes, base64 only on the wire. Kept as one list of bytes: most calls never look into it (MD-5).
public struct Metadata: Hashable, Sendable {
    private static let headBytes = 8

    ///     | length of the name: 4 bytes | length of the value: 4 | name | value | …
    private var bytes: [UInt8] = []
    public private(set) var count = 0

    public init() {}

    public var isEmpty: Bool { count == 0 }

    private var textBytes: Int { bytes.count - Self.headBytes * count }

    /// As the protocol counts it: name + value + 32 for each field, before base64.
    public var sizeBytes: Int { textBytes + 32 * count }

    /// On the wire, where values under `-bin` names grow by a third.
    var wireSizeBytes: Int { textBytes * 4 / 3 + 34 * count }

    // MARK: Writing

    /// Appends a text value.
    ///
    /// - Throws: ``MetadataError`` for a name or a value that HTTP/2 or gRPC cannot carry (MD-1, MD-3).
    public mutating func add(_ name: String, _ value: String) throws(MetadataError) {
        let name = try Self.checked(name)
        if name.hasSuffix("-bin") { throw .textUnderBinaryName(name) }
        guard value.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else { throw .invalidValue(name: name) }
        append(name: name.utf8Span.span, value: value.utf8Span.span)
    }

    /// Appends a value of bytes under a name that ends in `-bin`.
    public mutating func add(_ name: String, bytes value: [UInt8]) throws(MetadataError) {
        let name = try Self.checked(name)
        guard name.hasSuffix("-bin") else { throw .bytesUnderTextName(name) }
        append(name: name.utf8Span.span, value: value.span)
    }

    public mutating func append(contentsOf other: Metadata) {
        other.forEach { name, value in append(name: name, value: value) }
    }

    /// Without the fields of one name.
    public func removing(_ name: String) -> Metadata {
        var rest = Metadata()
        forEach { candidate, value in if !candidate.isSame(as: name) { rest.append(name: candidate, value: value) } }
        return rest
    }

    private static func checked(_ name: String) throws(MetadataError) -> String {
        let name = name.lowercased()
        guard !name.isEmpty, name.utf8.allSatisfy(isNameByte) else { throw .invalidName(name) }
        if name.hasPrefix("grpc-"), !passedThrough.contains(name), name != "grpc-status-details-bin" {
            throw .reservedName(name)
        }
        if owned.contains(name) { throw .reservedName(name) }
        return name
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: false
        }
    }

    /// Reserved names that handlers and callers may see and set all the same (HDR-10).
    static let passedThrough = [
        "grpc-previous-rpc-attempts", "grpc-trace-bin", "grpc-tags-bin", "grpc-retry-pushback-ms",
    ]
    /// Names that the runtime writes itself.
    private static let owned = ["content-type", "te", "user-agent", "host", "connection", "content-length"]

    private mutating func append(name: Span<UInt8>, value: Span<UInt8>) {
        if bytes.isEmpty { bytes.reserveCapacity(192) }
        let head = (UInt32(truncatingIfNeeded: name.count), UInt32(truncatingIfNeeded: value.count))
        unsafe withUnsafeBytes(of: head) { unsafe bytes.append(contentsOf: $0) }
        bytes.append(copying: name)
        bytes.append(copying: value)
        count += 1
    }

    // MARK: Reading

    /// The first value of a text name.
    public subscript(name: String) -> String? {
        var found: String?
        forEach { candidate, value in
            if found == nil, candidate.isSame(as: name) { found = String(copying: value) }
        }
        return found
    }

    /// All values of a text name, in order.
    public func values(_ name: String) -> [String] {
        var found: [String] = []
        forEach { candidate, value in if candidate.isSame(as: name) { found.append(String(copying: value)) } }
        return found
    }

    /// All values of a `-bin` name, in order.
    public func bytes(_ name: String) -> [[UInt8]] {
        var found: [[UInt8]] = []
        forEach { candidate, value in if candidate.isSame(as: name) { found.append(Array(copying: value)) } }
        return found
    }

    /// Lends each field in order; values of `-bin` names are the bytes themselves.
    public func forEach<E: Error>(_ body: (_ name: Span<UInt8>, _ value: Span<UInt8>) throws(E) -> Void) throws(E) {
        var start = 0
        while start < bytes.count {
            let all = bytes.span
            let name = start + Self.headBytes
            let value = name + number(at: start)
            let end = value + number(at: start + 4)
            try body(all.extracting(name..<value), all.extracting(value..<end))
            start = end
        }
    }

    private func number(at index: Int) -> Int {
        Int(unsafe bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt32.self))
    }

    // MARK: The wire

    /// Takes a field off the wire. Bytes that HTTP allows but gRPC does not are let pass (MD-3).
    ///
    /// - Returns: false for a `-bin` value that is not base64 (MD-2).
    mutating func receive(name: Span<UInt8>, value: Span<UInt8>) -> Bool {
        guard name.hasSuffix("-bin") else {
            append(name: name, value: value)
            return true
        }
        var start = 0
        while start <= value.count {  // a comma separates values, each encoded by itself
            var end = start
            while end < value.count, value[end] != UInt8(ascii: ",") { end += 1 }
            guard let decoded = BinaryMetadata.decode(value.extracting(value.trimmed(start..<end))) else {
                return false
            }
            append(name: name, value: decoded.span)
            start = end + 1
        }
        return true
    }

    /// Writes the fields as they travel. Secrets and values that change on each call stay out of the HPACK table
    /// (MD-7).
    func write(into sink: inout some FieldSink) {
        forEach { name, value in
            if name.hasSuffix("-bin") {
                sink.append(name: name, value: BinaryMetadata.encode(value).span, indexed: false)
            } else {
                sink.append(name: name, value: value, indexed: !name.equals("authorization") && !name.equals("cookie"))
            }
        }
    }
}

/// A name or a value that cannot be metadata. Ours to fix: it is found where it is added, not on the wire (MD-1).
public enum MetadataError: Error, Hashable, Sendable, CustomStringConvertible {
    case invalidName(String)
    /// A name that the protocol keeps for itself.
    case reservedName(String)
    case invalidValue(name: String)
    case textUnderBinaryName(String)
    case bytesUnderTextName(String)

    public var description: String {
        switch self {
        case .invalidName(let name): "metadata name '\(name)': only a-z, 0-9, '_', '-' and '.' are allowed"
        case .reservedName(let name): "metadata name '\(name)' is reserved by the protocol"
        case .invalidValue(let name): "metadata value of '\(name)': only printable ASCII is allowed"
        case .textUnderBinaryName(let name): "metadata name '\(name)' ends in -bin and holds bytes, not text"
        case .bytesUnderTextName(let name): "metadata name '\(name)' must end in -bin to hold bytes"
        }
    }
}

/// Where header fields are written: the header list of whatever carries the call.
public protocol FieldSink {
    /// - Parameter indexed: false for a value that changes on every call or is secret (MD-7).
    mutating func append(name: Span<UInt8>, value: Span<UInt8>, indexed: Bool)
}

extension FieldSink {
    mutating func append(_ name: String, _ value: String, indexed: Bool = true) {
        append(name: name.utf8Span.span, value: value.utf8Span.span, indexed: indexed)
    }
}
