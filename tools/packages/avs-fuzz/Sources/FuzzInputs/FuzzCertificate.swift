package import AVSTLS
import Foundation

/// A certificate for this run, made by the `openssl` command: nothing to commit, nothing to expire.
package enum FuzzCertificate {
    package static let host = "fuzz.test"

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

    package static func serverContext() throws -> TLSContext {
        let files = try files.get()
        let credential = try TLSCredential(certificateChainPEM: files.certificate, privateKeyPEM: files.key)
        return try TLSContext(server: TLSServerConfiguration(credential: credential))
    }

    package static func clientContext() throws -> TLSContext {
        var configuration = TLSClientConfiguration()
        configuration.trustRoots = .pem(try files.get().certificate)
        return try TLSContext(client: configuration)
    }
}
