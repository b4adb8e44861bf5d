import AVSTLS
import Foundation

/// The first bytes of a connection, into a server's TLS session: ClientHellos.
struct TLSServerTarget: Target {
    static let name = "tls-server"
    static let share = 20

    private let context: TLSContext

    init() throws { context = try FuzzCertificate.serverContext() }

    func mutate(_ seed: [UInt8], splicing other: [UInt8], _ random: inout Generator) -> [UInt8] {
        mutate(seed, splicing: other, &random, as: tlsRecords)
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
        mutate(seed, splicing: other, &random, as: tlsRecords)
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

/// | type: 1 | version: 2 | length: 2 | payload |
private let tlsRecords = Records.Shape(headBytes: 5, length: 3..<5) { random in
    let type = random.pick([20, 21, 22, 23, 24] as [UInt8], or: 22)
    let body = random.bytes(random.below(80))
    return [type, 3, UInt8(random.below(5))] + bigEndian(body.count, 2) + body
}

private func opened(_ body: () throws(TLSError) -> TLSSession) throws(Finding) -> TLSSession {
    do throws(TLSError) { return try body() } catch { throw Finding("no session: \(error)") }
}

/// A certificate for this run, made by the `openssl` command: nothing to commit, nothing to expire.
enum FuzzCertificate {
    static let host = "fuzz.test"

    private static let files: Result<(certificate: [UInt8], key: [UInt8]), any Error> = Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("avs-fuzz-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { removeIfPossible(folder) }
        let (certificate, key) = (folder.appendingPathComponent("c.pem"), folder.appendingPathComponent("k.pem"))
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        openssl.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=\(host)", "-addext", "subjectAltName=DNS:\(host)", "-keyout", key.path, "-out", certificate.path,
        ]
        openssl.standardError = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        return (Array(try Data(contentsOf: certificate)), Array(try Data(contentsOf: key)))
    }

    private static func removeIfPossible(_ folder: URL) {
        do { try FileManager.default.removeItem(at: folder) } catch { return }
    }

    static func serverContext() throws -> TLSContext {
        let files = try files.get()
        let credential = try TLSCredential(certificateChainPEM: files.certificate, privateKeyPEM: files.key)
        return try TLSContext(server: TLSServerConfiguration(credential: credential))
    }

    static func clientContext() throws -> TLSContext {
        var configuration = TLSClientConfiguration()
        configuration.trustRoots = .pem(try files.get().certificate)
        return try TLSContext(client: configuration)
    }
}
