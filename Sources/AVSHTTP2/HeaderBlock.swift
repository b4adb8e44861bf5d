import CNGHTTP2

/// An ordered list of header fields: one HEADERS frame with its continuations, in either direction.
///
/// All of it lies in one array, so that a block of ten fields costs one allocation and a static one, built once, costs
/// none per call. Fields are lent as spans; a `String` is made only where one is wanted.
///
///     | length of the name: 4 bytes, the highest bit set if not indexed | length of the value: 4 | name | value | …
public struct HeaderBlock: Hashable, Sendable {
    private static let headBytes = 8
    private static let notIndexed: UInt32 = 1 << 31

    private var bytes: [UInt8] = []
    public private(set) var count = 0
    /// A received block was over the limit of LIM-1 or LIM-2; the fields past the limit are not here.
    public internal(set) var isTruncated = false

    public init() {}

    public var isEmpty: Bool { count == 0 }

    /// The sum over the fields of name + value + 32 bytes, the size that LIM-1 limits (RFC 9113, 6.5.2).
    public var sizeBytes: Int { bytes.count + (32 - Self.headBytes) * count }

    mutating func reserve(byteCount: Int) { bytes.reserveCapacity(byteCount) }

    /// Appends a field. The name must be lower case; nothing is checked here, the library refuses what is malformed.
    ///
    /// - Parameter indexed: false keeps a value that changes on every call, or that is secret, out of the HPACK
    ///   table (MD-7).
    public mutating func append(name: Span<UInt8>, value: Span<UInt8>, indexed: Bool = true) {
        let nameLength = UInt32(truncatingIfNeeded: name.count) | (indexed ? 0 : Self.notIndexed)
        let head = (nameLength, UInt32(truncatingIfNeeded: value.count))
        // Each field of each call passes here: one growth, one look at whose the array is.
        bytes.append(addingCapacity: Self.headBytes + name.count + value.count) { output in
            unsafe output.withUnsafeMutableBufferPointer { room, filled in
                let room = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(room)[filled...])
                unsafe room.storeBytes(of: head, as: (UInt32, UInt32).self)
                unsafe room.copy(name, at: Self.headBytes)
                unsafe room.copy(value, at: Self.headBytes + name.count)
                filled += Self.headBytes + name.count + value.count
            }
        }
        count += 1
    }

    public mutating func append(_ name: String, _ value: String, indexed: Bool = true) {
        append(name: name.utf8Span.span, value: value.utf8Span.span, indexed: indexed)
    }

    /// Clients send the same section call after call; this is asked for each of them.
    public static func == (left: HeaderBlock, right: HeaderBlock) -> Bool {
        guard left.count == right.count, left.isTruncated == right.isTruncated else { return false }
        let (one, other) = (left.bytes.span, right.bytes.span)
        guard one.count == other.count else { return false }
        var index = 0
        while index + 8 <= one.count {
            let word = unsafe one.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            guard unsafe word == other.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self) else {
                return false
            }
            index += 8
        }
        while index < one.count {
            guard one[index] == other[index] else { return false }
            index += 1
        }
        return true
    }

    private func number(at index: Int) -> UInt32 {
        unsafe bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt32.self)
    }

    /// Where the field that starts at `start` has its name and its value.
    private func field(at start: Int) -> (name: Range<Int>, value: Range<Int>, isIndexed: Bool) {
        let (nameLength, valueLength) = (number(at: start), number(at: start + 4))
        let name = start + Self.headBytes
        let value = name + Int(nameLength & ~Self.notIndexed)
        return (name..<value, value..<(value + Int(valueLength)), nameLength & Self.notIndexed == 0)
    }

    /// Lends each field in order.
    public func forEach<E: Error>(_ body: (_ name: Span<UInt8>, _ value: Span<UInt8>) throws(E) -> Void) throws(E) {
        var start = 0
        while start < bytes.count {
            let field = field(at: start)
            let all = bytes.span
            try body(all.extracting(field.name), all.extracting(field.value))
            start = field.value.upperBound
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
    @unsafe func withFields<R, E: Error>(
        _ body: (_ base: UnsafeMutablePointer<nghttp2_nv>?, _ count: Int) throws(E) -> R
    ) throws(E) -> R {
        try unsafe bytes.withUnsafeBufferPointer { arena throws(E) in
            try unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: count) { vector throws(E) in
                var (index, start) = (0, 0)
                while start < arena.count {
                    let field = field(at: start)
                    let flags = field.isIndexed ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX
                    let base = unsafe UnsafeMutablePointer(mutating: arena.baseAddress)
                    unsafe vector.initializeElement(
                        at: index,
                        to: nghttp2_nv(
                            name: base?.advanced(by: field.name.lowerBound),
                            value: base?.advanced(by: field.value.lowerBound), namelen: field.name.count,
                            valuelen: field.value.count, flags: UInt8(truncatingIfNeeded: flags.rawValue)))
                    index += 1
                    start = field.value.upperBound
                }
                return try unsafe body(vector.baseAddress, count)
            }
        }
    }
}

extension UnsafeMutableRawBufferPointer {
    fileprivate func copy(_ span: Span<UInt8>, at offset: Int) {
        unsafe span.withUnsafeBufferPointer { source in
            unsafe UnsafeMutableRawBufferPointer(rebasing: self[offset...]).copyMemory(
                from: UnsafeRawBufferPointer(source))
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
