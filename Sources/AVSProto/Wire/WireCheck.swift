/// One walk over the bytes of a message before protobuf-c sees them.
///
/// protobuf-c has no bound on depth, does not look at UTF-8, keeps unknown fields, and gives up on a known field with
/// another wire type, which protobuf wants treated as unknown. It also must not see a single message field twice: its
/// merge looks up an unset oneof as field number 0 and then uses the table entry before the first one. So this walk,
/// which keeps its own stack and never recurses, enforces ``ProtoLimits`` and finds what has to change first. In the
/// usual case nothing has.
struct WireCheck {
    enum Outcome {
        /// protobuf-c may see the bytes as they are.
        case sound
        /// There are unknown fields to take out.
        case cut(WireCuts)
        /// A single message field occurs twice: ``WireMerge`` has to make one of it, then check again.
        case merge
    }

    /// A message that is open at the walk's position.
    private struct Frame {
        var shape: any MessageShape.Type
        var end: Int
        /// Objects and lists around this message, itself included.
        var containers: Int
        /// Where its length is written.
        var length: Range<Int>
        /// Bytes that were cut before its content.
        var cutBefore: Int
        /// One bit for each single message field that occurred.
        var seen: UInt128 = 0
    }

    private var top: Frame
    private var outer: [Frame] = []
    private var position = 0
    private var unknownFields = 0
    private var cuts = WireCuts()

    static func run(_ bytes: Span<UInt8>, as shape: any MessageShape.Type) throws(ProtoError) -> Outcome {
        var check = WireCheck(shape, end: bytes.count)
        do throws(WireFault) {
            repeat {
                while check.position < check.top.end { try check.field(bytes) }
            } while check.close()
        } catch .repeatedMessage {
            return .merge
        } catch {
            throw error.error(message: check.top.shape.fullName, offset: check.position)
        }
        return check.cuts.isEmpty ? .sound : .cut(check.cuts)
    }

    private init(_ shape: any MessageShape.Type, end: Int) {
        top = Frame(shape: shape, end: end, containers: shape.isContainer ? 1 : 0, length: 0..<0, cutBefore: 0)
    }

    private mutating func field(_ bytes: Span<UInt8>) throws(WireFault) {
        let start = position
        let tag = try bytes.readTag(&position, top.end)
        let shape = top.shape.shape(of: tag.field)
        switch tag.kind {
        case .varint: _ = try bytes.readVarint(&position, top.end)
        case .fixed32: try bytes.skip(4, &position, top.end)
        case .fixed64: try bytes.skip(8, &position, top.end)
        case .delimited: return try delimited(bytes, tag.field, shape, start)
        }
        if !shape.accepts(tag.kind) { try cut(start..<position) }
    }

    private mutating func delimited(
        _ bytes: Span<UInt8>, _ field: UInt32, _ shape: FieldShape, _ start: Int
    ) throws(WireFault) {
        let prefix = position
        let count = try bytes.readLength(&position, top.end)
        let content = position..<position + count
        switch shape {
        case .message(let inner):
            guard top.seen & (1 << field) == 0 else { throw .repeatedMessage }
            top.seen |= 1 << field
            return try open(inner, content, length: prefix..<content.lowerBound)
        case .messages(let inner), .alternative(let inner):
            return try open(inner, content, length: prefix..<content.lowerBound)
        case .bytes: break
        case .text: guard bytes.extracting(content).isUTF8 else { throw .malformed(.text(field: field)) }
        case .varints:
            while position < content.upperBound { _ = try bytes.readVarint(&position, content.upperBound) }
        case .fixed32s: guard count.isMultiple(of: 4) else { throw .malformed(.packedLength(field: field)) }
        case .fixed64s: guard count.isMultiple(of: 8) else { throw .malformed(.packedLength(field: field)) }
        case .varint, .fixed32, .fixed64, .unknown: try cut(start..<content.upperBound)
        }
        position = content.upperBound
    }

    private mutating func open(
        _ shape: any MessageShape.Type, _ content: Range<Int>, length: Range<Int>
    ) throws(WireFault) {
        guard outer.count + 2 <= ProtoLimits.messageDepth else { throw .overLimit(.messageDepth) }
        let containers = top.containers + (shape.isContainer ? 1 : 0)
        guard containers <= ProtoLimits.valueDepth else { throw .overLimit(.valueDepth) }
        outer.append(top)
        top = Frame(
            shape: shape, end: content.upperBound, containers: containers, length: length, cutBefore: cuts.byteCount)
    }

    /// Leaves the innermost message; false if that was the outermost one.
    private mutating func close() -> Bool {
        guard let frame = outer.popLast() else { return false }
        let lost = cuts.byteCount - top.cutBefore
        if lost > 0 { cuts.rewrite(length: top.length, to: top.end - top.length.upperBound - lost) }
        top = frame
        return true
    }

    private mutating func cut(_ range: Range<Int>) throws(WireFault) {
        unknownFields += 1
        guard unknownFields <= ProtoLimits.unknownFields else { throw .overLimit(.unknownFields) }
        cuts.remove(range)
    }
}

extension Span<UInt8> {
    fileprivate var isUTF8: Bool {
        do {
            _ = try UTF8Span(validating: self)
            return true
        } catch {
            return false
        }
    }
}
