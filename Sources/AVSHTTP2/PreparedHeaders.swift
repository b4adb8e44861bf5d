import CNGHTTP2

/// A header section that is the same for many calls, laid out once as libnghttp2 wants it (SP-6, NG-22).
///
/// The library refers to names and values where they lie instead of copying them. They must be there until the frame is
/// written, so their memory is never given back: make these once for the life of the process, not for a call.
///
/// `@unchecked`: what it points to is written before anybody has the value, and never again.
@safe public struct PreparedHeaders: @unchecked Sendable {
    private let fields: UnsafeMutableBufferPointer<nghttp2_nv>

    public init(_ block: HeaderBlock) {
        let flags = UInt8(
            truncatingIfNeeded: NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue)
        unsafe fields = UnsafeMutableBufferPointer.allocate(capacity: block.count)
        unsafe block.withFields { base, count in
            for index in 0..<count {
                guard var field = unsafe base?[index] else { continue }
                unsafe field.name = Self.kept(field.name, field.namelen)
                unsafe field.value = Self.kept(field.value, field.valuelen)
                unsafe field.flags |= flags
                unsafe fields.initializeElement(at: index, to: field)
            }
        }
    }

    private static func kept(_ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int) -> UnsafeMutablePointer<UInt8> {
        let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(count, 1))
        if let bytes = unsafe bytes { unsafe copy.initialize(from: bytes, count: count) }
        return unsafe copy
    }

    var count: Int { unsafe fields.count }

    /// The library changes nothing, its types are only not as precise.
    var base: UnsafeMutablePointer<nghttp2_nv>? { unsafe fields.baseAddress }
}
