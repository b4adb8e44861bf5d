import CNGHTTP2

/// An ordered list of header fields: one HEADERS frame with its continuations, in either direction.
///
/// Names and values lie one after the other in one array, so that a block of ten fields costs two allocations and
/// a static one, built once, costs none per call. Fields are lent as spans; a `String` is made only where one is
/// wanted.
public struct HeaderBlock: Hashable, Sendable {
    /// Where a field lies in `bytes`: name, then value.
    private struct Field: Hashable, Sendable {
        var start: UInt32
        var nameLength: UInt32
        var valueLength: UInt32
        var isIndexed: Bool
    }

    private var bytes: [UInt8] = []
    private var fields: [Field] = []
    /// The sum over the fields of name + value + 32 bytes, the size that LIM-1 limits (RFC 9113, 6.5.2).
    public private(set) var sizeBytes = 0
    /// A received block was over the limit of LIM-1 or LIM-2; the fields past the limit are not here.
    public internal(set) var isTruncated = false

    public init() {}

    public var count: Int { fields.count }
    public var isEmpty: Bool { fields.isEmpty }

    mutating func reserve(fieldCount: Int, byteCount: Int) {
        fields.reserveCapacity(fieldCount)
        bytes.reserveCapacity(byteCount)
    }

    /// Appends a field. The name must be lower case; nothing is checked here, the library refuses what is malformed.
    ///
    /// - Parameter indexed: false keeps a value that changes on every call, or that is secret, out of the HPACK
    ///   table (MD-7).
    public mutating func append(name: Span<UInt8>, value: Span<UInt8>, indexed: Bool = true) {
        let field = Field(
            start: UInt32(truncatingIfNeeded: bytes.count), nameLength: UInt32(truncatingIfNeeded: name.count),
            valueLength: UInt32(truncatingIfNeeded: value.count), isIndexed: indexed)
        append(name)
        append(value)
        fields.append(field)
        sizeBytes += name.count + value.count + 32
    }

    public mutating func append(_ name: String, _ value: String, indexed: Bool = true) {
        append(name: name.utf8Span.span, value: value.utf8Span.span, indexed: indexed)
    }

    private mutating func append(_ span: Span<UInt8>) {
        unsafe span.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    }

    /// Lends each field in order.
    public func forEach<E: Error>(_ body: (_ name: Span<UInt8>, _ value: Span<UInt8>) throws(E) -> Void) throws(E) {
        for field in fields {
            let start = Int(field.start)
            let middle = start + Int(field.nameLength)
            let all = bytes.span
            try body(all.extracting(start..<middle), all.extracting(middle..<(middle + Int(field.valueLength))))
        }
    }

    /// The first value of a name as text; for tests and logs.
    public subscript(name: String) -> String? {
        var found: String?
        forEach { candidate, value in
            if found == nil, String(copying: candidate) == name { found = String(copying: value) }
        }
        return found
    }

    /// Lends the fields as libnghttp2 wants them. The library copies them before the call returns.
    @unsafe func withFields<R>(
        _ body: (_ base: UnsafeMutablePointer<nghttp2_nv>?, _ count: Int) -> R
    ) -> R {
        unsafe bytes.withUnsafeBufferPointer { arena in
            unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: fields.count) { vector in
                for (index, field) in fields.enumerated() {
                    let name = unsafe UnsafeMutablePointer(mutating: arena.baseAddress?.advanced(by: Int(field.start)))
                    let flags = field.isIndexed ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX
                    unsafe vector.initializeElement(
                        at: index,
                        to: nghttp2_nv(
                            name: name, value: name?.advanced(by: Int(field.nameLength)),
                            namelen: Int(field.nameLength), valuelen: Int(field.valueLength),
                            flags: UInt8(truncatingIfNeeded: flags.rawValue)))
                }
                return unsafe body(vector.baseAddress, fields.count)
            }
        }
    }
}

extension HeaderBlock: CustomStringConvertible {
    public var description: String {
        var lines: [String] = []
        forEach { name, value in lines.append("\(String(copying: name)): \(String(copying: value))") }
        return lines.joined(separator: "\n")
    }
}

extension HeaderBlock: ExpressibleByDictionaryLiteral {
    /// Fields in the order written: `[":status": "200", "content-type": "application/grpc"]`.
    public init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { append(name, value) }
    }
}

extension String {
    /// Text of bytes a peer chose; invalid UTF-8 becomes the replacement character.
    init(copying span: Span<UInt8>) {
        self = unsafe span.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
