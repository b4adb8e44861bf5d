import Foundation
import FuzzInputs

/// The kept inputs of the targets that the live ones are made of.
struct Corpora: Sendable {
    let client: Corpus
    let server: Corpus
    let blocks: Corpus
    let messages: Corpus
    let requests: Corpus
    let responses: Corpus
    let reflection: Corpus
    let hellos: Corpus
    let records: Corpus

    init(in folder: URL) throws {
        client = try Corpus(of: "http2-server", in: folder)
        server = try Corpus(of: "http2-client", in: folder)
        blocks = try Corpus(of: "hpack", in: folder)
        messages = try Corpus(of: "framing", in: folder)
        requests = try Corpus(of: "request-head", in: folder)
        responses = try Corpus(of: "response-fields", in: folder)
        reflection = try Corpus(of: "reflection", in: folder)
        hellos = try Corpus(of: "tls-server", in: folder)
        records = try Corpus(of: "tls-records", in: folder)
    }
}

extension Corpus {
    /// One input changed record by record; three times out of four but once, or few connections would live to get a
    /// second input.
    func changed(_ shape: Records.Shape, _ random: inout Generator) -> [UInt8] {
        let most = random.oneIn(4) ? 6 : 1
        let other = random.pick(inputs, or: [])
        return Records.changed(random.pick(inputs, or: []), shape, splicing: other, &random, atMost: most)
    }

    /// One input changed somewhere.
    func changed(_ random: inout Generator) -> [UInt8] {
        Mutation.changed(random.pick(inputs, or: []), splicing: random.pick(inputs, or: []), &random)
    }

    /// One input of lines `name:value`, changed, as a header block.
    func changedFields(_ random: inout Generator) -> [UInt8] {
        let lines = Lines.mutate(random.pick(inputs, or: []), splicing: random.pick(inputs, or: []), &random)
        var block: [UInt8] = []
        Lines.forEach(of: lines) { name, value in
            block += Frames.field(name.bytes, value.bytes, first: random.pick([0x00, 0x10, 0x40], or: 0x10))
        }
        return block
    }
}

extension Span<UInt8> {
    fileprivate var bytes: [UInt8] { indices.map { self[$0] } }
}

/// What clients send, input by input. Each is for streams 1 to 509; `StreamShift` moves them to where they go.
struct ClientInputs: Sendable {
    let corpora: Corpora
    static let magic = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    /// The stream, relative to its input, of the call that shows that the input was taken.
    static let sentinelStream = StreamShift.span - 1

    func input(_ random: inout Generator) -> [UInt8] {
        switch random.below(32) {
        case 0..<12:
            var bytes = corpora.client.changed(Frames.shape(preamble: 24), &random)
            if bytes.starts(with: Self.magic) { bytes.removeFirst(Self.magic.count) }
            return bytes
        case 12: return headers(corpora.blocks.changed(&random), &random)
        case 13..<18: return headers(corpora.requests.changedFields(&random), &random)
        case 18..<26:
            let path = "/\(Victim.service)/" + random.pick(Victim.methodNames, or: "Echo")
            return call(path, corpora.messages.changed(.messages, &random), &random)
        case 26..<28:
            let path = "/grpc.health.v1.Health/" + random.pick(["Check", "Watch", "List"], or: "Check")
            return call(path, message(corpora.reflection.changed(&random)), &random)
        default:
            let version = random.pick(["v1", "v1alpha"], or: "v1")
            let path = "/grpc.reflection.\(version).ServerReflection/ServerReflectionInfo"
            return call(path, message(corpora.reflection.changed(&random)), &random)
        }
    }

    /// Begins a connection: mostly as it should.
    func opening(_ random: inout Generator) -> [UInt8] {
        var bytes = Self.magic + Frames.frame(4, 0, 0, [])
        if random.oneIn(64) { Mutation.change(&bytes, &random, splicing: Self.magic) }
        return bytes
    }

    /// A call as everybody makes it, which has an answer if what came before it has left the connection alive.
    static func sentinel(_ stream: Int, number: UInt64) -> [UInt8] {
        let body = [0] + bigEndian(8, 4) + bigEndian(Int(truncatingIfNeeded: number), 8)
        return Frames.frame(1, 4, stream, request("/\(Victim.service)/Echo")) + Frames.frame(0, 1, stream, body)
    }

    private static func request(_ path: String, _ more: [(String, String)] = []) -> [UInt8] {
        [0x83, 0x86] + Frames.field(":path", path) + Frames.field(":authority", "fuzz.test")
            + Frames.field("content-type", "application/grpc") + Frames.field("te", "trailers")
            + more.flatMap { Frames.field($0, $1) }
    }

    private func message(_ body: [UInt8]) -> [UInt8] { [0] + bigEndian(body.count, 4) + body }

    /// A header block in one frame or several.
    private func headers(_ block: [UInt8], _ random: inout Generator) -> [UInt8] {
        let cuts = random.oneIn(2) ? [0..<block.count] : Array(Mutation.cuts(block.count, &random).prefix(24))
        var bytes: [UInt8] = []
        for (index, cut) in cuts.enumerated() {
            let ends: UInt8 = index == cuts.count - 1 ? 4 : 0
            let payload = Array(block[cut].prefix(16_384))
            bytes += Frames.frame(index == 0 ? 1 : 9, index == 0 ? ends | 1 : ends, 1, payload)
        }
        return bytes
    }

    /// A good request with a body that is not.
    private func call(_ path: String, _ body: [UInt8], _ random: inout Generator) -> [UInt8] {
        var more: [(String, String)] = []
        if random.oneIn(4) { more.append(("grpc-encoding", random.pick(["gzip", "deflate", "identity"], or: "gzip"))) }
        if random.oneIn(4) { more.append(("grpc-accept-encoding", "gzip,deflate")) }
        if random.oneIn(4) { more.append(("grpc-timeout", random.pick(["1m", "1S", "20u", "0n"], or: "1S"))) }
        var bytes = Frames.frame(1, 4, 1, Self.request(path, more))
        let cuts = Mutation.cuts(body.count, &random).prefix(24)
        for (index, cut) in cuts.enumerated() {
            let isLast = index == cuts.count - 1
            bytes += Frames.frame(0, isLast && !random.oneIn(8) ? 1 : 0, 1, Array(body[cut].prefix(16_384)))
        }
        if random.oneIn(8) { bytes += Frames.frame(3, 0, 1, bigEndian(random.below(14), 4)) }
        return bytes
    }
}

/// What servers send in answer to one call on stream 1, input by input.
struct ServerInputs: Sendable {
    let corpora: Corpora

    func input(_ random: inout Generator) -> [UInt8] {
        switch random.below(8) {
        case 0..<4: return corpora.server.changed(Frames.shape(preamble: 0), &random)
        case 4..<6:
            return Frames.frame(1, random.oneIn(2) ? 5 : 4, 1, corpora.responses.changedFields(&random))
                + Frames.frame(1, 5, 1, corpora.responses.changedFields(&random))
        default:
            let body = corpora.messages.changed(.messages, &random)
            return Self.head(1, random.oneIn(4) ? [("grpc-encoding", "gzip")] : [])
                + Mutation.cuts(body.count, &random).prefix(24).flatMap { cut in
                    Frames.frame(0, 0, 1, Array(body[cut].prefix(16_384)))
                } + Self.trailers(1)
        }
    }

    func opening(_ random: inout Generator) -> [UInt8] {
        var bytes = Frames.frame(4, 0, 0, []) + Frames.frame(4, 1, 0, [])
        if random.oneIn(16) { Mutation.change(&bytes, &random, splicing: Frames.fresh(&random)) }
        return bytes
    }

    /// What a good server answers.
    static func answer(_ stream: Int, _ message: [UInt8]) -> [UInt8] {
        head(stream) + Frames.frame(0, 0, stream, message) + trailers(stream)
    }

    private static func head(_ stream: Int, _ more: [(String, String)] = []) -> [UInt8] {
        let block = [0x88] + Frames.field("content-type", "application/grpc") + more.flatMap { Frames.field($0, $1) }
        return Frames.frame(1, 4, stream, block)
    }

    private static func trailers(_ stream: Int) -> [UInt8] {
        Frames.frame(1, 5, stream, Frames.field("grpc-status", "0"))
    }
}
