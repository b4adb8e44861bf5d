import AVSRPC

/// gRPC's length prefixes: whatever the cuts, the same messages come out, and the same failure ends them.
struct FramingTarget: Target {
    static let name = "framing"
    static let share = 150

    private let compressor = MessageCompressor()

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        let shape = Records.Shape(headBytes: 5, length: 1..<5) { random in
            let body = random.bytes(random.below(64))
            return [UInt8(random.below(3))] + bigEndian(body.count, 4) + body
        }
        return mutate(seed, splicing: other, &random, as: shape)
    }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        let whole = read(input, [0..<input.count])
        let cut = read(input, Mutation.cuts(input.count, &random))
        guard whole.0 == cut.0, whole.1 == cut.1 else {
            throw Finding("\(whole.0.count) messages and '\(whole.1)' whole, \(cut.0.count) and '\(cut.1)' in pieces")
        }
        for message in whole.0 where message.isCompressed {
            let encoding: MessageEncoding = random.oneIn(2) ? .gzip : .deflate
            do {
                let bytes = try compressor.decompress(message.bytes, encoding, limitBytes: 65_536)
                if bytes.count > 65_536 { throw Finding("\(bytes.count) bytes, over the limit") }
            } catch let finding as Finding {
                throw finding
            } catch { continue }
        }
    }

    private func read(_ input: [UInt8], _ cuts: [Range<Int>]) -> ([MessageReader.Message], String) {
        var reader = MessageReader(limitBytes: 4_096)
        var messages: [MessageReader.Message] = []
        for cut in cuts where cut.upperBound <= input.count {
            reader.append(input.span.extracting(cut))
            while let message = reader.take() { messages.append(message) }
        }
        reader.end()
        while let message = reader.take() { messages.append(message) }
        return (messages, reader.failure?.description ?? "end")
    }
}

/// Fields of a request as text lines `name: value`: paths, timeouts, encodings, `-bin` values.
struct RequestHeadTarget: Target {
    static let name = "request-head"
    static let share = 130

    private let methods = MethodTable([
        RPCMethod.unary(MethodPath(service: "test.Service", method: "Echo"), request: .bytes, response: .bytes) {
            request, _ in request
        }
    ])

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        mutateLines(seed, splicing: other, &random)
    }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        var head = RequestHead(methods: methods, requiresTrailers: random.oneIn(2))
        forEachLine(of: input) { name, value in head.receive(name: name, value: value) }
        if case .refuse(let status) = head.verdict {
            var sink = CountingSink()
            ResponseHead.writeTrailersOnly(status, into: &sink)
            if sink.count > 8 * 1024 { throw Finding("trailers of \(sink.count) bytes") }
        }
        var sink = CountingSink()
        ResponseHead.write(into: &sink, metadata: head.metadata)
        var again = Metadata()
        again.append(contentsOf: head.metadata)
        guard again == head.metadata, again.count == head.metadata.count else { throw Finding("metadata changed") }
    }
}

/// Fields of a response as text lines, twice: headers and trailers. `grpc-message` is percent-encoded.
struct ResponseFieldsTarget: Target {
    static let name = "response-fields"
    static let share = 110

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        mutateLines(seed, splicing: other, &random)
    }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        var call = ClientCall(kind: .unary, limitBytes: 4_096)
        for endsStream in [false, true] {
            var fields = ResponseFields()
            forEachLine(of: input) { name, value in fields.receive(name: name, value: value) }
            _ = fields.status
            _ = call.receive(fields, endsStream: endsStream)
        }
        _ = call.receiveEnd()
        guard let status = call.status else { throw Finding("a call without a status after its end") }
        var sink = CountingSink()
        ResponseHead.writeTrailers(status, into: &sink)
        if sink.count > 8 * 1024 { throw Finding("trailers of \(sink.count) bytes") }
    }
}

/// `grpc-timeout`. What parses can be written, and parses again to at least as much.
struct TimeoutTarget: Target {
    static let name = "timeout"
    static let share = 180

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        guard case .after(let timeout) = RPCTimeout.parse(input.span) else { return }
        let text = Array(RPCTimeout.encode(timeout).utf8)
        switch RPCTimeout.parse(text.span) {
        case .after(let again) where again >= timeout: return
        case .never: return
        default: throw Finding("\(timeout) is written \(String(decoding: text, as: UTF8.self))")
        }
    }
}

// MARK: - Lines

private struct CountingSink: FieldSink {
    var count = 0
    mutating func append(name: Span<UInt8>, value: Span<UInt8>, indexed: Bool) { count += name.count + value.count + 32 }
}

private func forEachLine(of input: [UInt8], _ body: (Span<UInt8>, Span<UInt8>) -> Void) {
    for line in input.split(separator: 10) {
        let bytes = Array(line)
        // A colon may be the first character of a name.
        let colon = bytes.dropFirst().firstIndex(of: UInt8(ascii: ":")) ?? bytes.count
        let value = min(bytes.count, colon + 1)
        body(bytes.span.extracting(0..<colon), bytes.span.extracting(value..<bytes.count))
    }
}

private func mutateLines(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
    var lines = seed.split(separator: 10).map { Array($0) }
    for _ in 0...random.below(4) {
        let index = random.below(lines.count)
        switch lines.isEmpty ? 0 : random.below(6) {
        case 0:
            let name = Array(random.pick(Frames.names, or: "te").utf8)
            lines.append(name + [UInt8(ascii: ":")] + Array(random.pick(Frames.values, or: "").utf8))
        case 1: lines.remove(at: index)
        case 2: lines.swapAt(index, random.below(lines.count))
        default: Mutation.change(&lines[index], &random, splicing: other)
        }
    }
    return Array(lines.joined(separator: [10]))
}
