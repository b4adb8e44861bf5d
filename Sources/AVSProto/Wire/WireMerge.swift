/// Makes one of each single message field that occurs several times, as protobuf demands.
///
/// The bytes of a merged message are those of its parts in a row, so this needs no decoding. Encoders do not write such
/// messages; they come from putting serialized messages together. Each message is copied once for every message around
/// it; all copies together may take ``ProtoLimits/memoryBytes``.
struct WireMerge {
    private var budget = ProtoLimits.memoryBytes
    private var position = 0

    static func merged(_ bytes: Span<UInt8>, as shape: any MessageShape.Type) throws(ProtoError) -> [UInt8] {
        var merge = WireMerge()
        do throws(WireFault) {
            return try merge.message(bytes, shape, depth: 1)
        } catch {
            throw error.error(message: shape.fullName, offset: merge.position)
        }
    }

    /// Recurses once per nested message, ``ProtoLimits/messageDepth`` deep at most.
    private mutating func message(
        _ bytes: Span<UInt8>, _ shape: any MessageShape.Type, depth: Int
    ) throws(WireFault) -> [UInt8] {
        guard depth <= ProtoLimits.messageDepth else { throw .overLimit(.messageDepth) }
        budget -= bytes.count
        guard budget >= 0 else { throw .overLimit(.memory) }
        var parts = try singleMessages(bytes, shape)
        var output: [UInt8] = []
        var at = 0
        while at < bytes.count {
            let start = at
            let (tag, content) = try field(bytes, &at)
            guard let content, let inner = shape.shape(of: tag.field).inner else {
                output.append(bytes.extracting(start..<at))
                continue
            }
            if let whole = parts.removeValue(forKey: tag.field) {
                WireSplice.append(field: tag.field, try message(whole.span, inner, depth: depth + 1), to: &output)
            } else if case .message = shape.shape(of: tag.field) {
                continue  // it is part of the whole that was written where the first part stood
            } else {
                let nested = try message(bytes.extracting(content), inner, depth: depth + 1)
                WireSplice.append(field: tag.field, nested, to: &output)
            }
        }
        return output
    }

    /// The content of each single message field, all its occurrences in a row.
    private mutating func singleMessages(
        _ bytes: Span<UInt8>, _ shape: any MessageShape.Type
    ) throws(WireFault) -> [UInt32: [UInt8]] {
        var found: [UInt32: [UInt8]] = [:]
        var at = 0
        while at < bytes.count {
            let (tag, content) = try field(bytes, &at)
            if let content, case .message = shape.shape(of: tag.field) {
                found[tag.field, default: []].append(bytes.extracting(content))
            }
        }
        return found
    }

    /// Reads over one field; the content of a delimited one lies in the range.
    private mutating func field(
        _ bytes: Span<UInt8>, _ at: inout Int
    ) throws(WireFault) -> (WireTag, content: Range<Int>?) {
        position = at
        let tag = try bytes.readTag(&at, bytes.count)
        switch tag.kind {
        case .varint: _ = try bytes.readVarint(&at, bytes.count)
        case .fixed32: try bytes.skip(4, &at, bytes.count)
        case .fixed64: try bytes.skip(8, &at, bytes.count)
        case .delimited:
            let count = try bytes.readLength(&at, bytes.count)
            defer { at += count }
            return (tag, at..<at + count)
        }
        return (tag, nil)
    }
}
