import AVSTLS
import FuzzInputs

/// The first bytes of a connection, into a server's TLS session: ClientHellos.
struct TLSServerTarget: Target {
    static let name = "tls-server"
    static let share = 20

    private let context: TLSContext

    init() throws { context = try FuzzCertificate.serverContext() }

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        mutate(seed, splicing: other, &random, as: .tlsRecords)
    }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        var server = try opened { () throws(TLSError) in try TLSSession.accept(context) }
        for cut in Mutation.cuts(input.count, &random).prefix(64) {
            let received = server.receive(input.span.extracting(cut))
            if !received.plaintext.isEmpty || received.handshake != nil { throw Finding("a handshake with nobody") }
            _ = server.takeOutput()
            if received.failure != nil { break }
        }
        do throws(TLSError) { try server.receiveEnd() } catch { return }
    }
}

/// Records into either side of a connection whose handshake is done. None of them was made with its keys, so none may
/// come out as plaintext.
struct TLSRecordTarget: Target {
    static let name = "tls-records"
    static let share = 10

    private let server: TLSContext
    private let client: TLSContext

    init() throws {
        server = try FuzzCertificate.serverContext()
        client = try FuzzCertificate.clientContext()
    }

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        mutate(seed, splicing: other, &random, as: .tlsRecords)
    }

    func take(_ input: [UInt8], _ random: inout Generator) throws(Finding) {
        var left = try opened { () throws(TLSError) in try TLSSession.accept(server) }
        var right = try opened { () throws(TLSError) in
            try TLSSession.connect(client, serverName: FuzzCertificate.host)
        }
        // Sometimes in the middle of the handshake.
        for _ in 0..<random.below(4) {
            _ = left.receive(right.takeOutput().span)
            _ = right.receive(left.takeOutput().span)
        }
        for cut in Mutation.cuts(input.count, &random).prefix(16) {
            let piece = input.span.extracting(cut)
            let received = random.oneIn(2) ? left.receive(piece) : right.receive(piece)
            if !received.plaintext.isEmpty { throw Finding("plaintext out of bytes that nobody encrypted") }
            do throws(TLSError) { try left.send([1, 2, 3].span) } catch { continue }
        }
        left.close()
        _ = left.takeOutput()
    }
}

private func opened(_ body: () throws(TLSError) -> TLSSession) throws(Finding) -> TLSSession {
    do throws(TLSError) { return try body() } catch { throw Finding("no session: \(error)") }
}
