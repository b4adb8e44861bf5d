import AVSRPC
import FuzzInputs

/// gRPC's length prefixes: whatever the cuts, the same messages come out, and the same failure ends them.
struct FramingTarget: Target {
    static let name = "framing"
    static let share = 130

    private let compressor = MessageCompressor()

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        mutate(seed, splicing: other, &random, as: .messages)
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
    static let share = 110

    private let methods = MethodTable([
        RPCMethod.unary(MethodPath(service: "test.Service", method: "Echo"), request: .bytes, response: .bytes) {
            request, _ in request
        }
    ])

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        Lines.mutate(seed, splicing: other, &random)
    }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        var head = RequestHead(methods: methods, requiresTrailers: random.oneIn(2))
        Lines.forEach(of: input) { name, value in head.receive(name: name, value: value) }
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
        Lines.mutate(seed, splicing: other, &random)
    }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        var call = ClientCall(kind: .unary, limitBytes: 4_096)
        for endsStream in [false, true] {
            var fields = ResponseFields()
            Lines.forEach(of: input) { name, value in fields.receive(name: name, value: value) }
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
    static let share = 160

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

/// Requests of server reflection, a stream of three: each has an answer or an error, and no file comes twice unless it
/// is asked for by its name.
struct ReflectionTarget: Target {
    static let name = "reflection"
    static let share = 100

    private let index: ReflectionIndex

    init() throws { index = try ReflectionIndex(files: DescriptorSamples.files) }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        var sent: Set<String> = []
        for _ in 0..<3 {
            let before = sent
            guard let answer = answer(to: input, &sent) else { continue }
            // The question, its answer in front of all files, and the names of what was asked for.
            let limit = 3 * input.count + DescriptorSamples.sizeBytes + 1_024
            guard answer.count <= limit else { throw Finding("an answer of \(answer.count) bytes to \(input.count)") }
            guard sent.isSuperset(of: before), sent.isSubset(of: DescriptorSamples.names) else {
                throw Finding("files that nobody has: \(sent)")
            }
        }
    }

    private func answer(to input: [UInt8], _ sent: inout Set<String>) -> [UInt8]? {
        do { return try index.answer(input, sent: &sent) } catch { return nil }
    }
}

private struct CountingSink: FieldSink {
    var count = 0
    mutating func append(name: Span<UInt8>, value: Span<UInt8>, indexed: Bool) { count += name.count + value.count + 32 }
}
