import CProtobufC

/// A Swift value and the C struct that protoc-c made for the same message.
///
/// The generated files conform every message. A C struct lives in an ``Arena`` for the length of one call.
protocol CBridged: MessageShape {
    associatedtype CType

    static var descriptor: UnsafePointer<ProtobufCMessageDescriptor> { get }

    /// What stands for a message that a map entry leaves out.
    static var absent: Self { get }

    /// Copies what protobuf-c unpacked.
    init(copying c: UnsafePointer<CType>)

    /// Sets the fields of `c`, which is initialized; what they point to is put into `arena`.
    func fill(_ c: UnsafeMutablePointer<CType>, in arena: Arena)
}

extension CBridged where Self: ProtoMessage {
    static var absent: Self { Self() }
}

extension CBridged {
    /// Checks the bytes, has protobuf-c unpack them, copies the result and frees it.
    static func decoded(_ bytes: Span<UInt8>) throws(ProtoError) -> Self {
        switch try WireCheck.run(bytes, as: Self.self) {
        case .sound:
            return try unpacked(bytes)
        case .cut(let cuts):
            let known = cuts.applied(to: bytes)
            return try unpacked(known.span)
        case .merge:
            let merged = try WireMerge.merged(bytes, as: Self.self)
            return try decoded(merged.span)
        }
    }

    private static func unpacked(_ bytes: Span<UInt8>) throws(ProtoError) -> Self {
        // Most messages take two to four times their encoding.
        try Arena.lend(expecting: 4 * bytes.count, limit: ProtoLimits.memoryBytes) {
            (arena) throws(ProtoError) -> Self in
            var allocator = unsafe arena.allocator
            let message = unsafe bytes.withUnsafeBufferPointer {
                unsafe protobuf_c_message_unpack(descriptor, &allocator, $0.count, $0.baseAddress)
            }
            guard let message = unsafe message else {
                throw arena.isExhausted
                    ? .overLimit(.memory, message: fullName, offset: 0)
                    : .malformed(.refused, message: fullName, offset: 0)
            }
            return unsafe Self(copying: UnsafeRawPointer(message).assumingMemoryBound(to: CType.self))
        }
    }

    /// `headroom` zero bytes and the message behind them, in an array of exactly that size.
    func encoded(headroom: Int) -> [UInt8] {
        Arena.lend(expecting: 0) { arena in
            let message = unsafe UnsafeRawPointer(arena.message(self)).assumingMemoryBound(to: ProtobufCMessage.self)
            let size = unsafe headroom + protobuf_c_message_get_packed_size(message)
            return unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                guard let start = buffer.baseAddress else { return }
                unsafe start.initialize(repeating: 0, count: headroom)
                count = unsafe headroom + protobuf_c_message_pack(message, start + headroom)
            }
        }
    }
}
